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
#include "services/loader/formats/dialect.h"
#include "services/loader/formats/missing_words.h"
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
                                        const Dialect& dialect);

  // Appends the record as the row with that ordinal, or appends nothing, sets
  // `error` and returns the reason.
  absl::string_view Append(const Record& record, int64_t ordinal,
                           std::optional<RowError>* error);

  // Bytes of the widest row so far, estimated.
  int64_t bytes_per_row() const;

  Table Finish();

 private:
  struct Wanted {
    size_t source_column;
    Field field;
    ColumnBuilder builder;
    size_t longest_text = 0;
  };

  TableRows() = default;
  std::optional<RowError> CheckRoles(const Record& record,
                                     absl::string_view* reason) const;
  bool AppendCells(std::optional<RowError>* error);

  Dialect dialect_;
  bool target_required_ = false;
  std::unique_ptr<MissingWords> missing_;  // The parser points to it.
  std::unique_ptr<RowParser> parser_;
  std::vector<Wanted> wanted_;
  std::vector<Cell> cells_;
  std::vector<int64_t> ordinals_;
};

}  // namespace troupe::loader
