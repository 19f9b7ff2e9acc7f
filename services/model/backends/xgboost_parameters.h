// Which of XGBoost's parameters and metrics a pipeline may name, and how values
// are written for it.
//
// Thread safety: functions without state.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/struct.pb.h"
#include "services/model/objective.h"

namespace troupe::model {

struct WatchedMetric {
  std::string name;  // XGBoost's.
  bool higher_is_better = false;
};

// Looks up a metric that fits the task. `logloss` and `error` of several
// classes become `mlogloss` and `merror`. UNKNOWN_NAME with the nearest name.
absl::StatusOr<WatchedMetric> FindMetric(absl::string_view name, Task task);

// Turns `params` into names and texts, sorted by name. A parameter that the
// pipeline sets elsewhere, or that must not be set, is BAD_SPEC and says so; an
// unknown one is UNKNOWN_NAME. The metadata `field` is
// `model.xgboost.params.NAME`.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadParameters(
    const google::protobuf::Struct& params);

// The shortest text that reads back as `value`, whole numbers without a point:
// what Python's XGBoost passes, so that XGBoost's own parser rounds alike.
std::string NumberText(double value);

}  // namespace troupe::model
