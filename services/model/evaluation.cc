#include "services/model/evaluation.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/model/class_metrics.h"
#include "services/model/constant_model.h"
#include "services/model/feature_binding.h"
#include "services/model/model_plan.h"
#include "services/model/prediction.h"
#include "services/model/regression_metrics.h"

namespace troupe::model {
namespace {

ClassMetrics NewClassMetrics(const FittedModel& model) {
  return ClassMetrics(LabelShares(model.constant),
                      model.objective.task == Task::kBinary);
}

RegressionMetrics NewRegressionMetrics(const FittedModel& model) {
  return RegressionMetrics(model.constant.value(), model.objective.counts());
}

// Why a row has no usable target; an empty reason where it has.
struct Refusal {
  absl::string_view reason;
  std::string message;
};

Refusal RefusalOf(const FittedModel& model, const Column& column, int64_t i,
                  const std::string& name, int label) {
  if (column.IsNull(i))
    return {"MISSING_TARGET", absl::StrCat("\"", name, "\" is missing")};
  if (model.objective.classifies()) {
    if (label >= 0) return {};
    return {"UNSEEN_LABEL",
            absl::StrCat("the label of \"", name,
                         "\" did not occur while the model was trained")};
  }
  const double target = column.AsDouble(i);
  if (std::isinf(target))
    return {"INFINITE_TARGET", absl::StrCat("\"", name, "\" is infinite")};
  if (InRange(model.objective.range, target)) return {};
  return {"TARGET_OUT_OF_RANGE",
          absl::StrCat("\"", name, "\" is ", target, "; ", model.objective.name,
                       " needs ", RangeText(model.objective.range))};
}

// Keeps the rows of `table` that have a usable target, and their classes.
Table KeepUsable(const FittedModel& model, Table table, size_t target,
                 std::vector<int>& labels,
                 std::vector<pb::RejectedRow>& rejected) {
  std::vector<int> encoded;
  if (model.objective.classifies())
    encoded = model.labels.Encode(table.columns[target]);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < table.rows; ++i) {
    const int label = encoded.empty() ? 0 : encoded[static_cast<size_t>(i)];
    Refusal refusal = RefusalOf(model, table.columns[target], i,
                                table.schema[target].name, label);
    if (refusal.reason.empty()) {
      kept.push_back(i);
      labels.push_back(label);
      continue;
    }
    pb::RejectedRow& row = rejected.emplace_back();
    row.set_row(table.Ordinal(i));
    row.set_reason(std::string(refusal.reason));
    row.set_message(std::move(refusal.message));
  }
  if (static_cast<int64_t>(kept.size()) == table.rows) return table;
  return table.Select(kept);
}

template <typename Metrics>
absl::Status MergeAll(
    const google::protobuf::RepeatedPtrField<std::string>& partials,
    Metrics& metrics) {
  for (const std::string& bytes : partials) {
    pb::EvaluationPartial partial;
    if (!partial.ParseFromString(bytes))
      return MakeError(absl::StatusCode::kInvalidArgument, "BAD_PARTIAL",
                       "malformed partial: it is none of the model's");
    RETURN_IF_ERROR(metrics.Merge(partial));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Observation> ObserveEvaluation(const FittedModel& model,
                                              const pb::OutputSpec& output,
                                              Table table) {
  const int target = FindRole(table.schema, pb::TARGET);
  if (target < 0) return BadTable("it has no target column to compare with");
  const Field field = table.schema[static_cast<size_t>(target)];
  if (!model.objective.classifies() && field.type == pb::STRING)
    return BadSpec("roles.target", absl::StrCat("\"", field.name,
                                                "\" holds text; the model "
                                                "predicts numbers"));
  Observation observation;
  std::vector<int> labels;
  table = KeepUsable(model, std::move(table), static_cast<size_t>(target),
                     labels, observation.rejected);
  observation.rows = table.rows;
  ASSIGN_OR_RETURN(const DenseMatrix features,
                   BindFeatures(table, model.features));
  ASSIGN_OR_RETURN(const std::vector<double> scores,
                   model.backend->Predict(features));
  if (model.objective.classifies()) {
    ClassMetrics metrics = NewClassMetrics(model);
    metrics.Add(labels, PredictedClasses(scores, model, Threshold(output)),
                scores);
    observation.partial = metrics.ToProto().SerializeAsString();
    return observation;
  }
  std::vector<double> targets;
  for (int64_t i = 0; i < table.rows; ++i)
    targets.push_back(table.columns[static_cast<size_t>(target)].AsDouble(i));
  RegressionMetrics metrics = NewRegressionMetrics(model);
  metrics.Add(targets, scores);
  observation.partial = metrics.ToProto().SerializeAsString();
  return observation;
}

absl::StatusOr<std::string> JoinPartials(
    const FittedModel& model,
    const google::protobuf::RepeatedPtrField<std::string>& partials) {
  if (model.objective.classifies()) {
    ClassMetrics metrics = NewClassMetrics(model);
    RETURN_IF_ERROR(MergeAll(partials, metrics));
    return metrics.ToProto().SerializeAsString();
  }
  RegressionMetrics metrics = NewRegressionMetrics(model);
  RETURN_IF_ERROR(MergeAll(partials, metrics));
  return metrics.ToProto().SerializeAsString();
}

absl::StatusOr<pb::Evaluation> FinishEvaluation(
    const FittedModel& model,
    const google::protobuf::RepeatedPtrField<std::string>& partials) {
  if (!model.objective.classifies()) {
    RegressionMetrics metrics = NewRegressionMetrics(model);
    RETURN_IF_ERROR(MergeAll(partials, metrics));
    return metrics.Report();
  }
  ClassMetrics metrics = NewClassMetrics(model);
  RETURN_IF_ERROR(MergeAll(partials, metrics));
  pb::Evaluation evaluation = metrics.Report();
  for (const std::string& label : model.labels.names())
    evaluation.add_labels(label);
  return evaluation;
}

}  // namespace troupe::model
