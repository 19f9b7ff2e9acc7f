// Fits trees by XGBoost, with Python's rules for early stopping.
//
// Thread safety: functions without state.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/model/backend.h"

namespace troupe::model {

// Tries the plan's parameters on four rows: whatever XGBoost refuses of them is
// INVALID_ARGUMENT (XGBOOST_FAILED).
absl::Status TryParameters(const ModelPlan& plan);

// Learns from `set`. CANCELLED (CALLER_LEFT) between two rounds.
absl::StatusOr<FitResult> FitTrees(const ModelPlan& plan, TrainingSet& set,
                                   const FitRun& run);

}  // namespace troupe::model
