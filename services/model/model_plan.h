// A ModelPlan is ModelParams, checked and completed: every default filled in,
// every alias resolved.
//
// Thread safety: a plain value and functions without state.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/model/objective.h"
#include "services/table/table.h"
#include "troupe/v1/stage.pb.h"

namespace troupe::model {

// More labels than this are no classes.
inline constexpr int kMaxClasses = 1000;

struct ModelPlan {
  std::string backend;  // Name in the registry: "xgboost", "baseline".
  Objective objective;
  pb::SplitSpec split;

  // For backends that learn in rounds.
  int rounds = 0;
  int early_stopping = 0;  // 0: never.
  std::string metric;      // By XGBoost's name; "" is the objective's own.
  bool higher_is_better = false;
  bool balanced = false;
  uint64_t seed = 0;
  // Names and values as the backend's library takes them.
  std::vector<std::pair<std::string, std::string>> parameters;
};

// Checks `params.model` and `params.split`. Errors name the field by its path
// in the pipeline file (`model.xgboost.rounds`), in the metadata `field` too.
absl::StatusOr<ModelPlan> PlanModel(const pb::ModelParams& params);

// Checks `params.output` (the threshold).
absl::Status CheckOutput(const pb::OutputSpec& output);

// The share of the second label from which a binary model predicts it.
double Threshold(const pb::OutputSpec& output);

// Checks that `input` has a target of a type that the objective can learn from,
// and a weight that is a number. BAD_SPEC naming `roles.target` or
// `roles.weight`.
absl::Status CheckRoles(const ModelPlan& plan, const Schema& input);

}  // namespace troupe::model
