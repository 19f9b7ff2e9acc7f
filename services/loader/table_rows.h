// TableRows collects rows into the columns that a request wants.
//
// Thread safety: one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/loader/formats/block_masks.h"
#include "services/loader/formats/cell_types.h"
#include "services/loader/formats/dialect.h"
#include "services/loader/formats/missing_words.h"
#include "services/loader/formats/row_batch.h"
#include "services/loader/formats/row_parser.h"
#include "services/table/column_builder.h"
#include "services/table/table.h"
#include "troupe/v1/loader.pb.h"

namespace troupe::loader {

class TableRows {
 public:
  // UNKNOWN_COLUMN when the source lacks a wanted column that is neither TARGET
  // nor WEIGHT; BAD_MESSAGE for a wrong schema.
  static absl::StatusOr<TableRows> Make(const pb::LoadRequest& request,
                                        const Dialect& dialect, SimdLevel simd);

  // Appends the record as the row with that ordinal, or appends nothing and
  // returns why.
  std::optional<RowError> Append(const Record& record, int64_t ordinal);

  // Notes in `named` (one flag per wanted column) which columns the record last
  // given to Append has, JSON only. Returns whether it was an object at all.
  bool NoteNamed(std::vector<bool>* named) const;
  // The names of the wanted columns that `named` lacks.
  std::vector<std::string> NotNamed(const std::vector<bool>& named) const;

  // Whether the record last given to Append was short, and was filled.
  bool filled() const { return parser_->filled(); }

  // An empty batch of rows of `text`. Dialect and missing words stay where they
  // are when the TableRows moves.
  RowBatch MakeBatch(absl::string_view text) const;

  // Reads all values of the batch. Returns the bits of those rows that Append
  // must take one by one, mostly to say why it does not.
  uint64_t Prepare(RowBatch* batch);

  // Appends the batch's rows from `begin` to before `end`, which are prepared
  // and are none of those bits.
  void AppendPrepared(RowBatch* batch, size_t begin, size_t end);

  // Bytes of the widest row so far, estimated.
  int64_t bytes_per_row() const;

  Table Finish();

 private:
  struct Wanted {
    size_t source_column;
    Field field;
    ColumnBuilder builder;
    size_t longest_text = 0;
    // Of a batch, by its rows. The values are of one of the types.
    uint64_t valid = 0;
    uint64_t trues = 0;
    std::vector<double> doubles;
    std::vector<int64_t> int64s;  // Of times, too.
    std::optional<TimeFormat> format;
  };

  TableRows() = default;
  std::optional<RowError> CheckRoles(const Record& record) const;
  std::optional<RowError> AppendCells();
  // Reads the cells of these rows with `read`, which takes a cell and its row.
  // Returns the bits of those that do not fit.
  template <typename Read>
  static uint64_t ReadEach(uint64_t rows, RowBatch* batch, Wanted* wanted,
                           Read read);
  uint64_t PrepareDoubles(RowBatch* batch, Wanted* wanted) const;
  uint64_t PrepareInt64s(RowBatch* batch, Wanted* wanted) const;
  static const TimeFormat* FormatOf(const Wanted& wanted) {
    return wanted.format.has_value() ? &*wanted.format : nullptr;
  }
  uint64_t PrepareTimes(RowBatch* batch, Wanted* wanted) const;
  uint64_t PrepareBools(RowBatch* batch, Wanted* wanted) const;
  template <typename Number>
  void DropMissing(const std::vector<Number>& numbers, uint64_t* valid) const;
  uint64_t CheckRoleOf(RowBatch* batch, const Wanted& wanted) const;

  SimdLevel simd_ = SimdLevel::kNone;
  std::unique_ptr<const Dialect> dialect_;
  size_t columns_ = 0;
  bool target_required_ = false;
  std::unique_ptr<MissingWords> missing_;  // The parser points to it.
  std::optional<CellReader> reader_;
  std::unique_ptr<RowParser> parser_;
  std::vector<Wanted> wanted_;
  std::vector<Cell> cells_;
  bool parsed_ = false;  // They are the last record's.
  std::vector<int64_t> ordinals_;
};

}  // namespace troupe::loader
