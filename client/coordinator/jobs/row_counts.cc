#include "client/coordinator/jobs/row_counts.h"

#include "absl/strings/str_format.h"
#include "services/base/errors.h"
#include "services/table/row_split.h"

namespace troupe {
namespace {

absl::Status TooFewRows(absl::string_view field, int64_t rows,
                        absl::string_view part, double share) {
  return BadSpec(field,
                 absl::StrFormat("of %d rows none is a %s row at a share of "
                                 "%g; give more rows, another share or 0",
                                 rows, part, share));
}

}  // namespace

RowCounts CountRows(int64_t rows, const pb::SplitSpec& split) {
  RowCounts counts;
  if (split.test() == 0 && split.validation() == 0) {
    counts.train = rows;
    return counts;
  }
  for (int64_t row = 0; row < rows; ++row) {
    switch (RoleOfRow(split, row)) {
      case RowRole::kTrain:
        ++counts.train;
        break;
      case RowRole::kValidation:
        ++counts.validation;
        break;
      case RowRole::kTest:
        ++counts.test;
        break;
    }
  }
  return counts;
}

absl::Status CheckRowCounts(const RowCounts& counts,
                            const pb::SplitSpec& split) {
  const int64_t rows = counts.train + counts.validation + counts.test;
  if (rows == 0)
    return MakeError(absl::StatusCode::kInvalidArgument, "NO_ROWS",
                     "the input has no rows to train on");
  if (counts.train == 0)
    return BadSpec("split",
                   absl::StrFormat("of %d rows none is left to train on; give "
                                   "more rows or smaller shares",
                                   rows));
  if (split.test() > 0 && counts.test == 0)
    return TooFewRows("split.test", rows, "test", split.test());
  if (split.validation() > 0 && counts.validation == 0)
    return TooFewRows("split.validation", rows, "validation",
                      split.validation());
  return absl::OkStatus();
}

}  // namespace troupe
