#include "services/model/objective.h"

#include <utility>
#include <vector>

#include "services/base/errors.h"

namespace troupe::model {
namespace {

struct Entry {
  absl::string_view written;
  Objective objective;
};

// Ranking and survival need more than one target column. binary:logitraw,
// binary:hinge and multi:softmax learn no probabilities; the last differs from
// multi:softprob in what it prints only, so the same trees serve it.
const std::vector<Entry>& Entries() {
  static const auto* const entries = [] {
    const Objective squared{"reg:squarederror"};
    const Objective absolute{"reg:absoluteerror", Task::kRegression,
                             TargetRange::kAny, true};
    const Objective count{"count:poisson", Task::kRegression,
                          TargetRange::kNotNegative};
    const Objective binary{"binary:logistic", Task::kBinary};
    const Objective multi{"multi:softprob", Task::kMulticlass};
    return new std::vector<Entry>{
        {"regression", squared},
        {"absolute", absolute},
        {"count", count},
        {"binary", binary},
        {"multiclass", multi},
        {"reg:squarederror", squared},
        {"reg:absoluteerror", absolute},
        {"reg:pseudohubererror", {"reg:pseudohubererror"}},
        {"reg:squaredlogerror",
         {"reg:squaredlogerror", Task::kRegression,
          TargetRange::kAboveMinusOne}},
        {"reg:logistic",
         {"reg:logistic", Task::kRegression, TargetRange::kShare}},
        {"reg:gamma", {"reg:gamma", Task::kRegression, TargetRange::kPositive}},
        {"reg:tweedie",
         {"reg:tweedie", Task::kRegression, TargetRange::kNotNegative}},
        {"count:poisson", count},
        {"binary:logistic", binary},
        {"multi:softprob", multi},
        {"multi:softmax", multi},
    };
  }();
  return *entries;
}

}  // namespace

absl::StatusOr<Objective> FindObjective(absl::string_view name) {
  std::vector<std::string> names;
  for (const Entry& entry : Entries()) {
    if (entry.written == name) return entry.objective;
    names.emplace_back(entry.written);
  }
  return UnknownName("objective", name, names);
}

bool InRange(TargetRange range, double target) {
  switch (range) {
    case TargetRange::kAny:
      return true;
    case TargetRange::kAboveMinusOne:
      return target > -1;
    case TargetRange::kNotNegative:
      return target >= 0;
    case TargetRange::kPositive:
      return target > 0;
    case TargetRange::kShare:
      return target >= 0 && target <= 1;
  }
  return false;
}

absl::string_view RangeText(TargetRange range) {
  switch (range) {
    case TargetRange::kAny:
      return "any number";
    case TargetRange::kAboveMinusOne:
      return "above -1";
    case TargetRange::kNotNegative:
      return "at least 0";
    case TargetRange::kPositive:
      return "above 0";
    case TargetRange::kShare:
      return "from 0 to 1";
  }
  return "";
}

}  // namespace troupe::model
