// Turns the text of one split into one table.
//
// Thread safety: functions without state.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/actor/context.h"
#include "services/loader/formats/block_masks.h"
#include "services/loader/formats/row_parser.h"
#include "services/table/rejected_rows.h"
#include "services/table/table.h"
#include "troupe/v1/loader.pb.h"

namespace troupe::loader {

struct LoadedSplit {
  Table table;
  RejectedRows rejected;
  pb::ShortRows short_rows;   // In the table, or rejected for other reasons.
  int64_t wanted = 0;         // Always table.rows + rejected.size().
  int64_t bytes_per_row = 0;  // Of the widest row.
};

// Parses `text`, the split's, or the rows of it that `request` asks for;
// BAD_MESSAGE where it has fewer. A wanted row is either in the table or
// rejected: BAD_ROW when it is not a record of the table's shape, SHORT_ROW
// when it is short and short rows are not filled, TYPE_MISMATCH when a cell
// does not fit, MISSING_TARGET and BAD_WEIGHT (missing, negative or infinite)
// when `target_required`. UNKNOWN_COLUMN when the source lacks a wanted column;
// BAD_MESSAGE when the text does not hold the split's rows.
absl::StatusOr<LoadedSplit> LoadSplit(const pb::LoadRequest& request,
                                      absl::string_view text,
                                      const Context& context, SimdLevel simd);

// Adds a rejected row with its place.
void AddReject(const Record& record, int64_t ordinal, const RowError& error,
               RejectedRows* rejected);

// Counts a short row.
void CountShortRow(absl::string_view file, int64_t ordinal, int64_t line,
                   pb::ShortRows* rows);

// The original text of the rows `request` wants, out of `text`, the split's.
absl::StatusOr<pb::ReadRecordsResponse> FindRecords(
    const pb::ReadRecordsRequest& request, absl::string_view text,
    const Context& context);

}  // namespace troupe::loader
