#include "services/loader/column_evidence.h"

#include "services/loader/text_place.h"

namespace troupe::loader {
namespace {

std::vector<std::string> ColumnsOf(const pb::PlanCursor& cursor) {
  return {cursor.columns().begin(), cursor.columns().end()};
}

}  // namespace

ColumnEvidence::ColumnEvidence(const Dialect& dialect,
                               const pb::PlanCursor& cursor)
    : dialect_(dialect),
      missing_(dialect),
      columns_(ColumnsOf(cursor)),
      json_(columns_, /*grow=*/true),
      csv_(MakeRowParser(dialect, missing_, columns_)),
      present_(cursor.present().begin(), cursor.present().end()),
      good_rows_(cursor.good_rows()) {
  for (const uint32_t bits : cursor.evidence())
    types_.push_back(TypeEvidence::FromBits(bits));
}

std::vector<std::string> ColumnEvidence::Columns() const {
  return dialect_.format == pb::JSONL ? json_.columns() : columns_;
}

void ColumnEvidence::Observe(absl::string_view text) {
  RowParser& parser = dialect_.format == pb::JSONL ? json_ : *csv_;
  const bool clean = !FindBadByte(text).has_value();
  RecordScanner scanner(dialect_, text, /*last=*/true, 1);
  std::vector<Cell> cells;
  for (Record record;
       scanner.Next(&record) == RecordScanner::Outcome::kRecord;) {
    if (!clean && FindBadByte(record.text).has_value()) continue;
    if (parser.Parse(record, &cells).has_value()) continue;
    ++good_rows_;
    types_.resize(std::max(types_.size(), cells.size()));
    present_.resize(types_.size());
    for (size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].kind == Cell::Kind::kMissing) continue;
      ++present_[i];
      types_[i].Observe(cells[i], dialect_.decimal);
    }
  }
}

void ColumnEvidence::Save(pb::PlanCursor* cursor) const {
  cursor->clear_columns();
  cursor->clear_evidence();
  cursor->clear_present();
  for (const std::string& name : Columns()) cursor->add_columns(name);
  const int columns = cursor->columns_size();
  for (int i = 0; i < columns; ++i) {
    const auto k = static_cast<size_t>(i);
    cursor->add_evidence(k < types_.size() ? types_[k].bits() : 0);
    cursor->add_present(k < present_.size() ? present_[k] : 0);
  }
  cursor->set_good_rows(good_rows_);
}

}  // namespace troupe::loader
