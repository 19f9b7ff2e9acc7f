// Binds the features of a table to those of a model, by name.
//
// Thread safety: functions without state.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/table/table.h"

namespace troupe::model {

// Returns the features of `table` as FLOAT32 in the order of `wanted`; takes
// them out of the table. Features that are not wanted are left out. BAD_TABLE
// when there is no matrix; UNKNOWN_COLUMN (MISSING_FEATURE) naming one that the
// table lacks.
absl::StatusOr<DenseMatrix> BindFeatures(
    Table& table, const std::vector<std::string>& wanted);

}  // namespace troupe::model
