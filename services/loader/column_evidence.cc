#include "services/loader/column_evidence.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/caller_watch.h"
#include "services/loader/file_header.h"
#include "services/loader/formats/block_scanner.h"
#include "services/loader/plan_cursor.h"
#include "services/loader/split_loader.h"
#include "services/loader/split_planner.h"
#include "services/loader/text_place.h"

namespace troupe::loader {
namespace {

constexpr size_t kShownRejects = 5;

}  // namespace

ColumnEvidence::ColumnEvidence(const Dialect& dialect,
                               const pb::PlanCursor& cursor, SimdLevel simd)
    : dialect_(dialect),
      missing_(dialect),
      reader_(dialect_, missing_),
      simd_(simd),
      columns_(ColumnsOf(cursor)),
      json_(JsonRowParser::Growing(columns_, SplitPlanner::kMaxColumns + 1)),
      csv_(MakeRowParser(dialect, missing_, columns_, {})),
      present_(cursor.present().begin(), cursor.present().end()),
      missing_numbers_(cursor.missing_numbers().begin(),
                       cursor.missing_numbers().end()),
      good_rows_(cursor.good_rows()),
      short_rows_(cursor.short_rows()),
      rejected_rows_(cursor.rejected_rows()),
      rejected_(cursor.rejected().begin(), cursor.rejected().end()) {
  for (const uint32_t bits : cursor.evidence())
    types_.push_back(TypeEvidence::FromBits(bits));
}

const std::vector<std::string>& ColumnEvidence::Columns() const {
  return dialect_.format == pb::JSONL ? json_.columns() : columns_;
}

absl::Status ColumnEvidence::Observe(const pb::Split& split,
                                     absl::string_view text,
                                     const std::string& file,
                                     const Context& context) {
  const bool clean = !FindBadByte(text).has_value();
  BlockScanner scanner(simd_,
                       dialect_.fields_end_at_delimiters() && clean
                           ? BlockScanner::Fields::kFind
                           : BlockScanner::Fields::kPassOver,
                       dialect_, text, /*last=*/true, split.first_line());
  RowBatch batch(dialect_, missing_, text, columns_.size());
  CallerWatch watch(context);
  int64_t ordinal = split.first_row();
  for (Record record; scanner.Next(&record) == BlockScanner::Outcome::kRecord;
       ++ordinal) {
    if (watch.Left(record.text.size() + columns_.size())) return CallerLeft();
    if (!batch.Add(record, scanner.field_ends(), ordinal))
      RETURN_IF_ERROR(
          ObserveOne(record, file, ordinal, split.encoding(), clean));
    else if (batch.full())
      ObserveBatch(&batch);
  }
  ObserveBatch(&batch);
  return absl::OkStatus();
}

absl::Status ColumnEvidence::ObserveOne(const Record& record,
                                        const std::string& file,
                                        int64_t ordinal,
                                        pb::TextEncoding encoding, bool clean) {
  const bool json = dialect_.format == pb::JSONL;
  std::optional<RowError> bad;
  if (!clean) bad = FindBadByte(record.text, encoding);
  if (!bad.has_value())
    bad = json ? json_.ParseMembers(record, &members_)
               : csv_->Parse(record, &cells_);
  if (!bad.has_value()) {
    if (csv_->filled()) CountShortRow(file, ordinal, record.line, &short_rows_);
    ObserveCells();
    return json_.columns().size() > SplitPlanner::kMaxColumns
               ? TooManyColumns(file, record.line, json_.columns().size())
               : absl::OkStatus();
  }
  if (bad->reason == "SHORT_ROW" &&
      dialect_.on_short_row == pb::CsvOptions::FAIL)
    return BadInput(file, record.line, 0,
                    absl::StrCat(bad->Sentence(), "; see csv.on_short_row"));
  ++rejected_rows_;
  if (rejected_.size() < kShownRejects) {
    RejectedRows rejected(file);
    AddReject(record, ordinal, *bad, &rejected);
    rejected_.push_back(rejected.ToRow(0));
  }
  return absl::OkStatus();
}

void ColumnEvidence::ObserveCells() {
  ++good_rows_;
  GrowTo(Columns().size());
  for (const JsonRowParser::Member& member : members_)
    ObserveCell(member.cell, member.column);
  for (size_t i = 0; i < cells_.size(); ++i) ObserveCell(cells_[i], i);
}

void ColumnEvidence::GrowTo(size_t columns) {
  if (columns <= types_.size()) return;
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
  *cursor->mutable_short_rows() = short_rows_;
  cursor->set_rejected_rows(rejected_rows_);
  cursor->clear_rejected();
  cursor->mutable_rejected()->Add(rejected_.begin(), rejected_.end());
}

}  // namespace troupe::loader
