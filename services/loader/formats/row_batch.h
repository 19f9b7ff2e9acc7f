// A RowBatch is some regular rows of a CSV text, to be read column by column.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/loader/formats/dialect.h"
#include "services/loader/formats/missing_words.h"
#include "services/loader/formats/plain_numbers.h"
#include "services/loader/formats/row_parser.h"

namespace troupe::loader {

class RowBatch {
 public:
  static constexpr size_t kMaxRows = 64;  // Bits of a word.

  // All references and `text` must outlive the batch.
  RowBatch(const Dialect& dialect, const MissingWords& missing,
           absl::string_view text, size_t columns)
      : dialect_(dialect), missing_(missing), text_(text), columns_(columns) {}

  // Takes the row with these field ends (see BlockScanner), unless it has not
  // one field per column. The batch must not be full.
  bool Add(const Record& record, absl::Span<const uint32_t> field_ends,
           int64_t ordinal);
  void Clear();

  bool full() const { return rows_.size() == kMaxRows || bytes_ >= kMaxBytes; }
  size_t rows() const { return rows_.size(); }
  uint64_t all() const { return ~uint64_t{0} >> (kMaxRows - rows()); }
  const Record& record(size_t row) const { return rows_[row].record; }
  int64_t ordinal(size_t row) const { return rows_[row].ordinal; }

  // The cells of a column, for reading numbers from them all at once. Some may
  // mean "no value" (see MissingWords::has_numbers).
  CellColumn Cells(size_t column) const {
    return {text_, edges_.data() + column, columns_ + 1, rows()};
  }
  // One cell; its text is valid until the next call.
  Cell At(size_t row, size_t column);

 private:
  // What a core's own cache holds, with room to spare for values.
  static constexpr size_t kMaxBytes = 256 << 10;

  struct Row {
    Record record;
    int64_t ordinal;
  };

  const Dialect& dialect_;
  const MissingWords& missing_;
  const absl::string_view text_;
  const size_t columns_;
  std::vector<Row> rows_;
  std::vector<uint32_t> edges_;  // Of each row: one before it, then its ends.
  size_t bytes_ = 0;
  std::string scratch_;
};

}  // namespace troupe::loader
