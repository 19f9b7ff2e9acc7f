// Runs the steps of a plan over one table.
//
// Thread safety: functions without state.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/actor/context.h"
#include "services/preprocessor/plan.h"
#include "services/preprocessor/row_rejects.h"
#include "services/table/table.h"
#include "troupe/v1/fitted.pb.h"

namespace troupe::preprocessor {

// A table on its way: first the columns that steps never see, then features.
struct Batch {
  Table table;
  size_t others = 0;  // How many columns come before the features.

  size_t features() const { return table.columns.size() - others; }
};

// Whether a table of this schema has what the plan needs. INVALID_ARGUMENT:
// UNKNOWN_COLUMN for a feature that is missing, TYPE_MISMATCH for one of
// another type, DUPLICATE_COLUMN for a name that a step makes too.
absl::Status CheckInput(const Plan& plan, const Schema& schema);

// Moves the columns of `table` into the plan's order; features that the plan
// does not know are left out. Errors as CheckInput.
absl::StatusOr<Batch> BindColumns(const Plan& plan, Table table);

// Applies every step of a finished plan. Rows that a step cannot process leave
// the batch for `rejects`.
absl::Status ApplySteps(const Plan& plan, Batch& batch, RowRejects& rejects,
                        const Context& context);

// Applies what is fitted and returns one statistic per observation of the plan.
absl::StatusOr<std::vector<pb::ColumnStatistics>> ObserveSteps(
    const Plan& plan, Batch& batch, RowRejects& rejects,
    const Context& context);

}  // namespace troupe::preprocessor
