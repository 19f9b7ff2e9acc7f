// An Objective is what a model learns to do: its name in XGBoost, which kind of
// answer that is, and which targets it can learn from.
//
// Thread safety: plain values and functions without state.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace troupe::model {

enum class Task { kRegression, kBinary, kMulticlass };

// Which numbers a regression accepts as targets.
enum class TargetRange {
  kAny,
  kAboveMinusOne,
  kNotNegative,
  kPositive,
  kShare
};

struct Objective {
  std::string name;  // XGBoost's: "reg:squarederror".
  Task task = Task::kRegression;
  TargetRange range = TargetRange::kAny;
  // The constant baseline is the median of the targets, not their mean.
  bool median_baseline = false;

  bool classifies() const { return task != Task::kRegression; }
  bool counts() const { return name == "count:poisson"; }
};

// Looks up one of ours (regression, absolute, count, binary, multiclass) or one
// of XGBoost's. INVALID_ARGUMENT (UNKNOWN_NAME) with the nearest name.
absl::StatusOr<Objective> FindObjective(absl::string_view name);

// Whether `target`, a finite number, is within `range`.
bool InRange(TargetRange range, double target);

// "at least 0", for messages.
absl::string_view RangeText(TargetRange range);

}  // namespace troupe::model
