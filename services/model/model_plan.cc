#include "services/model/model_plan.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/model/backends/xgboost_parameters.h"

namespace troupe::model {
namespace {

// `status` with the path of the wrong field.
absl::Status AtField(const absl::Status& status, absl::string_view field) {
  return WithMetadata(WithPrefix(status, field), "field", field);
}

absl::StatusOr<Objective> ReadObjective(const std::string& name,
                                        absl::string_view field) {
  if (name.empty())
    return BadSpec(field,
                   "is required: regression, absolute, count, binary or "
                   "multiclass");
  absl::StatusOr<Objective> objective = FindObjective(name);
  if (!objective.ok()) return AtField(objective.status(), field);
  return objective;
}

absl::Status CheckShare(double share, absl::string_view field) {
  if (share >= 0 && share < 1) return absl::OkStatus();
  return BadSpec(field,
                 absl::StrCat("must be at least 0 and below 1, not ", share));
}

absl::Status CheckSplit(const pb::SplitSpec& split) {
  RETURN_IF_ERROR(CheckShare(split.test(), "split.test"));
  RETURN_IF_ERROR(CheckShare(split.validation(), "split.validation"));
  if (split.test() + split.validation() < 1) return absl::OkStatus();
  return BadSpec("split.validation",
                 "together with split.test leaves no rows to train on");
}

absl::Status CheckCount(int value, int least, int most,
                        absl::string_view field) {
  if (value >= least && value <= most) return absl::OkStatus();
  return BadSpec(
      field, absl::StrCat("must be ", least, " to ", most, ", not ", value));
}

absl::Status PlanTraining(const pb::XgboostSpec& spec, ModelPlan& plan) {
  plan.rounds = spec.has_rounds() ? spec.rounds() : 100;
  RETURN_IF_ERROR(CheckCount(plan.rounds, 1, 100000, "model.xgboost.rounds"));
  if (spec.early_stopping() < 0 || spec.early_stopping() > 100000)
    return BadSpec("model.xgboost.early_stopping", "must be 0 to 100000");
  plan.early_stopping = spec.early_stopping();
  if (plan.early_stopping > 0 && plan.split.validation() == 0)
    return BadSpec("model.xgboost.early_stopping",
                   "needs validation rows; set split.validation above 0");
  if (!spec.class_weight().empty()) {
    if (spec.class_weight() != "balanced")
      return AtField(
          UnknownName("class weight", spec.class_weight(), {"balanced"}),
          "model.xgboost.class_weight");
    if (!plan.objective.classifies())
      return BadSpec("model.xgboost.class_weight", "is for classes only");
    plan.balanced = true;
  }
  if (spec.seed() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return BadSpec("model.xgboost.seed", "must be below 2^63");
  plan.seed = spec.seed();
  return absl::OkStatus();
}

absl::StatusOr<ModelPlan> PlanXgboost(const pb::XgboostSpec& spec,
                                      const pb::SplitSpec& split) {
  ModelPlan plan;
  plan.backend = "xgboost";
  plan.split = split;
  ASSIGN_OR_RETURN(plan.objective,
                   ReadObjective(spec.objective(), "model.xgboost.objective"));
  RETURN_IF_ERROR(PlanTraining(spec, plan));
  if (!spec.metric().empty()) {
    absl::StatusOr<WatchedMetric> metric =
        FindMetric(spec.metric(), plan.objective.task);
    if (!metric.ok()) return AtField(metric.status(), "model.xgboost.metric");
    plan.metric = metric->name;
    plan.higher_is_better = metric->higher_is_better;
  }
  const int max_depth = spec.has_max_depth() ? spec.max_depth() : 6;
  RETURN_IF_ERROR(CheckCount(max_depth, 0, 30, "model.xgboost.max_depth"));
  const double rate = spec.has_learning_rate() ? spec.learning_rate() : 0.3;
  if (!(rate > 0 && rate <= 1))
    return BadSpec("model.xgboost.learning_rate",
                   absl::StrCat("must be above 0 and at most 1, not ", rate));
  plan.parameters = {{"max_depth", absl::StrCat(max_depth)},
                     {"eta", NumberText(rate)}};
  ASSIGN_OR_RETURN(auto more, ReadParameters(spec.params()));
  for (auto& parameter : more) plan.parameters.push_back(std::move(parameter));
  return plan;
}

}  // namespace

absl::StatusOr<ModelPlan> PlanModel(const pb::ModelParams& params) {
  RETURN_IF_ERROR(CheckSplit(params.split()));
  switch (params.model().backend_case()) {
    case pb::ModelSpec::kXgboost:
      return PlanXgboost(params.model().xgboost(), params.split());
    case pb::ModelSpec::kBaseline: {
      ModelPlan plan;
      plan.backend = "baseline";
      plan.split = params.split();
      ASSIGN_OR_RETURN(plan.objective,
                       ReadObjective(params.model().baseline().objective(),
                                     "model.baseline.objective"));
      return plan;
    }
    case pb::ModelSpec::BACKEND_NOT_SET:
      break;
  }
  return BadSpec("model", "is required: xgboost or baseline");
}

double Threshold(const pb::OutputSpec& output) {
  return output.has_threshold() ? output.threshold() : 0.5;
}

absl::Status CheckOutput(const pb::OutputSpec& output) {
  const double threshold = Threshold(output);
  if (threshold > 0 && threshold < 1) return absl::OkStatus();
  return BadSpec("output.threshold",
                 absl::StrCat("must be above 0 and below 1, not ", threshold));
}

absl::Status CheckRoles(const ModelPlan& plan, const Schema& input) {
  const int target = FindRole(input, pb::TARGET);
  if (target < 0)
    return BadSpec("roles.target", "is required to train a model");
  const Field& field = input[static_cast<size_t>(target)];
  if (!plan.objective.classifies() && field.type == pb::STRING)
    return BadSpec(
        "roles.target",
        absl::StrCat("\"", field.name, "\" holds text; ", plan.objective.name,
                     " learns numbers (binary and multiclass learn "
                     "text labels)"));
  const int weight = FindRole(input, pb::WEIGHT);
  if (weight >= 0 && !IsNumber(input[static_cast<size_t>(weight)].type) &&
      input[static_cast<size_t>(weight)].type != pb::BOOL)
    return BadSpec(
        "roles.weight",
        absl::StrCat("\"", input[static_cast<size_t>(weight)].name, "\" is ",
                     TypeName(input[static_cast<size_t>(weight)].type),
                     "; weights are numbers"));
  return absl::OkStatus();
}

}  // namespace troupe::model
