#include "services/model/backends/xgboost_parameters.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe::model {
namespace {

using Value = google::protobuf::Value;

constexpr char kNumbers[] = "a number within ";

// Numeric parameters with the range that keeps memory and XGBoost sane.
struct Range {
  double least;
  double most;
  bool whole = false;
};

const std::map<std::string, Range>& NumericParameters() {
  constexpr double kHuge = 1e30;
  static const auto* const parameters = new std::map<std::string, Range>{
      {"alpha", {0, kHuge}},
      {"base_score", {-kHuge, kHuge}},
      {"colsample_bylevel", {1e-9, 1}},
      {"colsample_bynode", {1e-9, 1}},
      {"colsample_bytree", {1e-9, 1}},
      {"gamma", {0, kHuge}},
      {"huber_slope", {1e-9, kHuge}},
      {"lambda", {0, kHuge}},
      {"max_bin", {2, 65536, true}},
      {"max_delta_step", {0, kHuge}},
      {"max_leaves", {0, 1 << 24, true}},
      {"min_child_weight", {0, kHuge}},
      {"min_split_loss", {0, kHuge}},
      {"num_parallel_tree", {1, 1000, true}},
      {"reg_alpha", {0, kHuge}},
      {"reg_lambda", {0, kHuge}},
      {"scale_pos_weight", {0, kHuge}},
      {"subsample", {1e-9, 1}},
      {"tweedie_variance_power", {1, 2}},
  };
  return *parameters;
}

// Parameters that are text, or lists of numbers.
const std::map<std::string, std::string>& OtherParameters() {
  static const auto* const parameters = new std::map<std::string, std::string>{
      {"grow_policy", "\"depthwise\" or \"lossguide\""},
      {"interaction_constraints", "lists of feature numbers, such as [[0, 1]]"},
      {"monotone_constraints", "a list of -1, 0 and 1, one per feature"},
  };
  return *parameters;
}

// What a pipeline says elsewhere, or not at all.
const std::map<std::string, std::string>& RefusedParameters() {
  const char* const kFlag = "is decided by the flag --threads of the model";
  const char* const kHist = "is fixed: trees are grown by histograms";
  static const auto* const parameters = new std::map<std::string, std::string>{
      {"booster", "is fixed: trees (gbtree)"},
      {"device", "is fixed: the processor"},
      {"disable_default_eval_metric", "is fixed"},
      {"eta", "is set by model.xgboost.learning_rate"},
      {"eval_metric", "is set by model.xgboost.metric"},
      {"gpu_id", "is fixed: the processor"},
      {"learning_rate", "is set by model.xgboost.learning_rate"},
      {"max_depth", "is set by model.xgboost.max_depth"},
      {"n_estimators", "is set by model.xgboost.rounds"},
      {"n_jobs", kFlag},
      {"nthread", kFlag},
      {"num_boost_round", "is set by model.xgboost.rounds"},
      {"num_class", "follows from the labels"},
      {"objective", "is set by model.xgboost.objective"},
      {"predictor", "is fixed: the processor"},
      {"process_type", "is fixed: new trees"},
      {"random_state", "is set by model.xgboost.seed"},
      {"refresh_leaf", "is fixed"},
      {"seed", "is set by model.xgboost.seed"},
      {"tree_method", kHist},
      {"updater", kHist},
      {"validate_parameters", "is fixed"},
      {"verbosity", "is fixed"},
  };
  return *parameters;
}

std::vector<std::string> AllowedNames() {
  std::vector<std::string> names;
  for (const auto& [name, range] : NumericParameters()) names.push_back(name);
  for (const auto& [name, what] : OtherParameters()) names.push_back(name);
  return names;
}

absl::StatusOr<std::string> NumericText(const Value& value, const Range& range,
                                        const std::string& field) {
  double number = value.number_value();
  if (value.kind_case() == Value::kStringValue) {
    if (!absl::SimpleAtod(value.string_value(), &number))
      return BadSpec(field, absl::StrCat("must be a number, not \"",
                                         value.string_value(), "\""));
  } else if (value.kind_case() != Value::kNumberValue) {
    return BadSpec(field, "must be a number");
  }
  const bool whole = !range.whole || number == std::floor(number);
  if (whole && number >= range.least && number <= range.most)
    return NumberText(number);
  return BadSpec(
      field,
      absl::StrCat("must be ", range.whole ? "a whole number " : kNumbers,
                   NumberText(range.least), " to ", NumberText(range.most),
                   ", not ", NumberText(number)));
}

// A list of whole numbers between `brackets`.
absl::StatusOr<std::string> ListText(const Value& value, double least,
                                     double most, absl::string_view brackets,
                                     const std::string& field) {
  const absl::Status wrong =
      BadSpec(field, "must be a list of whole numbers (see XGBoost's manual)");
  if (value.kind_case() != Value::kListValue) return wrong;
  std::vector<std::string> numbers;
  for (const Value& entry : value.list_value().values()) {
    const double number = entry.number_value();
    if (entry.kind_case() != Value::kNumberValue || number < least ||
        number > most || number != std::floor(number))
      return wrong;
    numbers.push_back(NumberText(number));
  }
  return absl::StrCat(brackets.substr(0, 1), absl::StrJoin(numbers, ","),
                      brackets.substr(1));
}

absl::StatusOr<std::string> OtherText(const std::string& name,
                                      const Value& value,
                                      const std::string& field) {
  if (name == "grow_policy") {
    if (value.string_value() == "depthwise" ||
        value.string_value() == "lossguide")
      return value.string_value();
    return BadSpec(field, absl::StrCat("must be ", OtherParameters().at(name)));
  }
  if (name == "monotone_constraints")
    return ListText(value, -1, 1, "()", field);
  if (value.kind_case() != Value::kListValue)
    return BadSpec(field, absl::StrCat("must be ", OtherParameters().at(name)));
  std::vector<std::string> groups;
  for (const Value& group : value.list_value().values()) {
    ASSIGN_OR_RETURN(std::string text, ListText(group, 0, 1e9, "[]", field));
    groups.push_back(std::move(text));
  }
  return absl::StrCat("[", absl::StrJoin(groups, ","), "]");
}

}  // namespace

std::string NumberText(double value) {
  char text[32];
  std::to_chars_result end{};
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    end = std::to_chars(text, text + sizeof(text), static_cast<int64_t>(value));
  } else {
    end = std::to_chars(text, text + sizeof(text), value);
  }
  return std::string(text, end.ptr);
}

absl::StatusOr<WatchedMetric> FindMetric(absl::string_view name, Task task) {
  static const auto* const metrics =
      new std::map<Task, std::vector<std::string>>{
          {Task::kRegression,
           {"rmse", "rmsle", "mae", "mape", "mphe", "poisson-nloglik",
            "gamma-nloglik", "gamma-deviance", "logloss"}},
          {Task::kBinary, {"logloss", "error", "auc", "aucpr", "rmse", "mae"}},
          {Task::kMulticlass, {"mlogloss", "merror", "auc"}}};
  if (task == Task::kMulticlass && (name == "logloss" || name == "error"))
    return WatchedMetric{absl::StrCat("m", name)};
  for (const std::string& known : metrics->at(task))
    if (known == name)
      return WatchedMetric{known, known == "auc" || known == "aucpr"};
  return UnknownName("metric of this objective", name, metrics->at(task));
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ReadParameters(
    const google::protobuf::Struct& params) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, value] : params.fields()) {
    const std::string field = absl::StrCat("model.xgboost.params.", name);
    if (const auto refused = RefusedParameters().find(name);
        refused != RefusedParameters().end())
      return BadSpec(field, refused->second);
    if (const auto numeric = NumericParameters().find(name);
        numeric != NumericParameters().end()) {
      ASSIGN_OR_RETURN(sorted[name],
                       NumericText(value, numeric->second, field));
    } else if (OtherParameters().count(name) > 0) {
      ASSIGN_OR_RETURN(sorted[name], OtherText(name, value, field));
    } else {
      return WithMetadata(
          WithPrefix(UnknownName("parameter of XGBoost", name, AllowedNames()),
                     field),
          "field", field);
    }
  }
  return std::vector<std::pair<std::string, std::string>>(sorted.begin(),
                                                          sorted.end());
}

}  // namespace troupe::model
