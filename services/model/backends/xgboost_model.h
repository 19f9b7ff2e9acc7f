// Checks a stored XGBoost model before XGBoost reads it: XGBoost trusts tree
// links, and reads some newer models wrongly without a word.
//
// Thread safety: a function without state.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "services/model/objective.h"

namespace troupe::model {

struct ExpectedModel {
  Objective objective;
  int labels = 0;
  int64_t features = 0;
};

// Returns the UBJSON that XGBoost may load, where `ubjson` is a model of trees
// (gbtree) as expected, made by a version that is known, with links, features
// and classes in range. A base score written "[x]" (XGBoost 3.1) is rewritten
// "x", which older versions would read as 0.5. Otherwise ARTIFACT_CORRUPT.
absl::StatusOr<std::string> CheckXgboostModel(const std::string& ubjson,
                                              const ExpectedModel& expected);

}  // namespace troupe::model
