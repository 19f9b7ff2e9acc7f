#include "services/loader/column_evidence.h"

#include <algorithm>
#include <bit>

#include "services/loader/formats/block_scanner.h"
#include "services/loader/plan_cursor.h"
#include "services/loader/text_place.h"

namespace troupe::loader {

ColumnEvidence::ColumnEvidence(const Dialect& dialect,
                               const pb::PlanCursor& cursor, SimdLevel simd)
    : dialect_(dialect),
      missing_(dialect),
      reader_(dialect_, missing_),
      simd_(simd),
      columns_(ColumnsOf(cursor)),
      json_(JsonRowParser::Growing(columns_)),
      csv_(MakeRowParser(dialect, missing_, columns_, {})),
      present_(cursor.present().begin(), cursor.present().end()),
      missing_numbers_(cursor.missing_numbers().begin(),
                       cursor.missing_numbers().end()),
      good_rows_(cursor.good_rows()) {
  for (const uint32_t bits : cursor.evidence())
    types_.push_back(TypeEvidence::FromBits(bits));
}

std::vector<std::string> ColumnEvidence::Columns() const {
  return dialect_.format == pb::JSONL ? json_.columns() : columns_;
}

void ColumnEvidence::Observe(absl::string_view text) {
  const bool csv = dialect_.format != pb::JSONL;
  RowParser& parser = csv ? *csv_ : json_;
  const bool clean = !FindBadByte(text).has_value();
  BlockScanner scanner(simd_,
                       csv && clean ? BlockScanner::Fields::kFind
                                    : BlockScanner::Fields::kPassOver,
                       dialect_, text, /*last=*/true, 1);
  RowBatch batch(dialect_, missing_, text, columns_.size());
  for (Record record;
       scanner.Next(&record) == BlockScanner::Outcome::kRecord;) {
    if (batch.Add(record, scanner.field_ends(), 0)) {
      if (batch.full()) ObserveBatch(&batch);
      continue;
    }
    if (!clean && FindBadByte(record.text).has_value()) continue;
    if (!parser.Parse(record, &cells_).has_value()) ObserveCells();
  }
  ObserveBatch(&batch);
}

void ColumnEvidence::ObserveCells() {
  ++good_rows_;
  GrowTo(cells_.size());
  for (size_t i = 0; i < cells_.size(); ++i) ObserveCell(cells_[i], i);
}

void ColumnEvidence::GrowTo(size_t columns) {
  types_.resize(std::max(types_.size(), columns));
  present_.resize(types_.size());
  missing_numbers_.resize(types_.size());
}

void ColumnEvidence::ObserveCell(const Cell& cell, size_t column) {
  if (cell.kind == Cell::Kind::kMissing) return;
  ++present_[column];
  if (!types_[column].Observe(cell, reader_)) ++missing_numbers_[column];
}

void ColumnEvidence::ObserveBatch(RowBatch* batch) {
  if (batch->rows() == 0) return;
  good_rows_ += static_cast<int64_t>(batch->rows());
  GrowTo(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    PlainKinds plain;
    if (!missing_.has_numbers())
      plain = ClassifyPlainNumbers(simd_, batch->Cells(i), dialect_.decimal);
    types_[i].ObserveNumbers(plain.integers != 0, plain.fractions != 0);
    const uint64_t numbers = plain.integers | plain.fractions;
    present_[i] += std::popcount(numbers);
    for (uint64_t rest = batch->all() & ~numbers; rest != 0; rest &= rest - 1)
      ObserveCell(batch->At(static_cast<size_t>(std::countr_zero(rest)), i), i);
  }
  batch->Clear();
}

void ColumnEvidence::Save(pb::PlanCursor* cursor) const {
  cursor->clear_columns();
  cursor->clear_evidence();
  cursor->clear_present();
  cursor->clear_missing_numbers();
  for (const std::string& name : Columns()) cursor->add_columns(name);
  const int columns = cursor->columns_size();
  for (int i = 0; i < columns; ++i) {
    const auto k = static_cast<size_t>(i);
    cursor->add_evidence(k < types_.size() ? types_[k].bits() : 0);
    cursor->add_present(k < present_.size() ? present_[k] : 0);
    cursor->add_missing_numbers(
        k < missing_numbers_.size() ? missing_numbers_[k] : 0);
  }
  cursor->set_good_rows(good_rows_);
}

}  // namespace troupe::loader
