#include "services/loader/formats/row_batch.h"

#include "services/loader/formats/csv_fields.h"

namespace troupe::loader {

bool RowBatch::Add(const Record& record, absl::Span<const uint32_t> field_ends,
                   int64_t ordinal) {
  if (field_ends.empty() || field_ends.size() != columns_) return false;
  edges_.push_back(static_cast<uint32_t>(record.begin - 1));
  edges_.insert(edges_.end(), field_ends.begin(), field_ends.end());
  rows_.push_back({record, ordinal});
  bytes_ += record.text.size();
  return true;
}

void RowBatch::Clear() {
  rows_.clear();
  edges_.clear();
  bytes_ = 0;
}

Cell RowBatch::At(size_t row, size_t column) {
  const uint32_t* const edge = &edges_[row * (columns_ + 1) + column];
  const uint32_t begin = edge[0] + 1;
  const uint32_t offset =
      begin - static_cast<uint32_t>(rows_[row].record.begin);
  const absl::string_view text(text_.data() + begin, edge[1] - begin);
  if ((text.empty() || text.front() != dialect_.quote) &&
      !dialect_.skip_initial_space)
    return {text, offset,
            missing_.Contains(text) ? Cell::Kind::kMissing : Cell::Kind::kText};
  const CsvField field = FieldOf(dialect_, text, &scratch_);
  const bool given = field.quoted && !dialect_.quoted_na;
  const bool missing = !given && missing_.Contains(field.text);
  return {field.text, offset + field.offset,
          missing ? Cell::Kind::kMissing : Cell::Kind::kText, given};
}

}  // namespace troupe::loader
