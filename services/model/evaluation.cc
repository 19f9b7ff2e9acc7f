#include "services/model/evaluation.h"

#include <cmath>
#include <map>
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
#include "services/table/serialize.h"

namespace troupe::model {
namespace {

constexpr int kMaxPartials = 64;
constexpr size_t kMaxPartialsBytes = size_t{64} << 20;

ClassMetrics NewClassMetrics(const FittedModel& model, bool weighted) {
  return ClassMetrics(LabelShares(model.constant),
                      model.objective.task == Task::kBinary, weighted);
}

// Why a row cannot be compared; an empty reason where it can.
struct Refusal {
  absl::string_view reason;
  std::string before;
  std::string value = "";
  std::string after = "";
};

// The columns of a table with the same rows.
struct Truth {
  const Field& target_field;
  const Column& target;
  const Column* weight;  // Null where rows have none.
  std::string weight_name;
};

Refusal RefusalOf(const FittedModel& model, const Truth& truth, int64_t i) {
  const std::string& name = truth.target_field.name;
  if (truth.target.IsNull(i))
    return {"MISSING_TARGET",
            absl::StrCat("column \"", name, "\": the target is missing")};
  if (truth.weight != nullptr) {
    const double weight = truth.weight->AsDouble(i);
    if (!(weight >= 0) || std::isinf(weight))
      return {"BAD_WEIGHT",
              absl::StrCat("column \"", truth.weight_name,
                           "\": the weight is missing, negative or infinite")};
  }
  if (model.objective.classifies()) return {};
  const double target = truth.target.AsDouble(i);
  if (std::isinf(target))
    return {"INFINITE_TARGET",
            absl::StrCat("column \"", name, "\": the target is infinite")};
  if (InRange(model.objective.range, target)) return {};
  return {"TARGET_OUT_OF_RANGE",
          absl::StrCat("column \"", name, "\": the target is "),
          absl::StrCat(target),
          absl::StrCat("; ", model.objective.name, " needs ",
                       RangeText(model.objective.range))};
}

// Keeps the rows of `table` that can be compared.
Table KeepUsable(const FittedModel& model, Table table, size_t target,
                 int weight, RejectedRows& rejected) {
  const Truth truth = {
      table.schema[target], table.columns[target],
      weight < 0 ? nullptr : &table.columns[static_cast<size_t>(weight)],
      weight < 0 ? "" : table.schema[static_cast<size_t>(weight)].name};
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < table.rows; ++i) {
    Refusal refusal = RefusalOf(model, truth, i);
    if (refusal.reason.empty()) {
      kept.push_back(i);
      continue;
    }
    rejected.Add(table.Ordinal(i), {refusal.reason, refusal.before,
                                    refusal.value, refusal.after});
  }
  if (static_cast<int64_t>(kept.size()) == table.rows) return table;
  return table.Select(kept);
}

std::vector<double> Doubles(const Column& column) {
  std::vector<double> values;
  values.reserve(static_cast<size_t>(column.rows()));
  for (int64_t i = 0; i < column.rows(); ++i)
    values.push_back(column.AsDouble(i));
  return values;
}

absl::StatusOr<std::vector<pb::EvaluationPartial>> ParsePartials(
    const google::protobuf::RepeatedPtrField<std::string>& partials) {
  size_t bytes = 0;
  for (const std::string& partial : partials) bytes += partial.size();
  if (partials.size() > kMaxPartials || bytes > kMaxPartialsBytes)
    return BadMessage("a merge takes at most 64 partials of 64 MiB together");
  std::vector<pb::EvaluationPartial> parsed(
      static_cast<size_t>(partials.size()));
  for (int i = 0; i < partials.size(); ++i)
    if (!parsed[static_cast<size_t>(i)].ParseFromString(partials[i]))
      return MakeError(absl::StatusCode::kInvalidArgument, "BAD_PARTIAL",
                       "malformed partial: it is none of the model's");
  return parsed;
}

// Joins all partials. They tell whether rows have weights, and must agree.
absl::StatusOr<ClassMetrics> JoinClasses(
    const FittedModel& model,
    const google::protobuf::RepeatedPtrField<std::string>& partials) {
  ASSIGN_OR_RETURN(const auto parsed, ParsePartials(partials));
  ClassMetrics metrics =
      NewClassMetrics(model, !parsed.empty() && parsed[0].classes().weighted());
  for (const pb::EvaluationPartial& partial : parsed)
    RETURN_IF_ERROR(metrics.Merge(partial));
  return metrics;
}

absl::StatusOr<RegressionMetrics> JoinRegression(
    const FittedModel& model,
    const google::protobuf::RepeatedPtrField<std::string>& partials) {
  ASSIGN_OR_RETURN(const auto parsed, ParsePartials(partials));
  RegressionMetrics metrics(
      model.constant.value(), model.objective.counts(),
      !parsed.empty() && parsed[0].regression().weighted());
  for (const pb::EvaluationPartial& partial : parsed)
    RETURN_IF_ERROR(metrics.Merge(partial));
  return metrics;
}

std::string UnseenWarning(const std::map<std::string, int64_t>& unseen) {
  std::vector<std::string> labels;
  int64_t rows = 0;
  for (const auto& [name, count] : unseen) {
    labels.push_back(name);
    rows += count;
  }
  return absl::StrCat("no training row has the ", NameLabels(labels),
                      "; what is predicted for ", rows,
                      rows == 1 ? " row" : " rows",
                      " of the evaluation is wrong therefore");
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
  const int weight = FindRole(table.schema, pb::WEIGHT);
  if (weight >= 0 &&
      table.schema[static_cast<size_t>(weight)].type == pb::STRING)
    return BadSpec("roles.weight", "holds text; weights are numbers");
  Observation observation;
  table = KeepUsable(model, std::move(table), static_cast<size_t>(target),
                     weight, observation.rejected);
  observation.rows = table.rows;
  ASSIGN_OR_RETURN(const DenseMatrix features,
                   BindFeatures(table, model.features));
  ASSIGN_OR_RETURN(std::vector<double> scores,
                   model.backend->Predict(features));
  const Column& truth = table.columns[static_cast<size_t>(target)];
  std::vector<double> weights;
  if (weight >= 0)
    weights = Doubles(table.columns[static_cast<size_t>(weight)]);
  if (!model.objective.classifies()) {
    RegressionMetrics metrics(model.constant.value(), model.objective.counts(),
                              weight >= 0);
    metrics.Add(Doubles(truth), scores, weights);
    ASSIGN_OR_RETURN(observation.partial, Serialize(metrics.ToProto()));
    return observation;
  }
  LabelledRows rows;
  rows.truth = model.labels.Encode(truth);
  for (size_t i = 0; i < rows.truth.size(); ++i)
    if (rows.truth[i] < 0)
      rows.unseen.emplace(i, LabelText(truth, static_cast<int64_t>(i)));
  rows.predicted = PredictedClasses(scores, model, Threshold(output));
  rows.scores = std::move(scores);
  rows.weights = std::move(weights);
  ClassMetrics metrics = NewClassMetrics(model, weight >= 0);
  RETURN_IF_ERROR(metrics.Add(rows));
  ASSIGN_OR_RETURN(observation.partial, Serialize(metrics.ToProto()));
  return observation;
}

absl::StatusOr<std::string> JoinPartials(
    const FittedModel& model,
    const google::protobuf::RepeatedPtrField<std::string>& partials) {
  if (model.objective.classifies()) {
    ASSIGN_OR_RETURN(const ClassMetrics metrics, JoinClasses(model, partials));
    return Serialize(metrics.ToProto());
  }
  ASSIGN_OR_RETURN(const RegressionMetrics metrics,
                   JoinRegression(model, partials));
  return Serialize(metrics.ToProto());
}

absl::StatusOr<pb::Evaluation> FinishEvaluation(
    const FittedModel& model,
    const google::protobuf::RepeatedPtrField<std::string>& partials,
    std::vector<std::string>& warnings) {
  if (!model.objective.classifies()) {
    ASSIGN_OR_RETURN(const RegressionMetrics metrics,
                     JoinRegression(model, partials));
    return metrics.Report();
  }
  ASSIGN_OR_RETURN(const ClassMetrics metrics, JoinClasses(model, partials));
  pb::Evaluation evaluation = metrics.Report();
  std::vector<std::string> labels = model.labels.names();
  labels.insert(labels.end(), evaluation.labels().begin(),
                evaluation.labels().end());
  evaluation.mutable_labels()->Assign(labels.begin(), labels.end());
  const std::map<std::string, int64_t> unseen = metrics.UnseenRows();
  if (!unseen.empty()) warnings.push_back(UnseenWarning(unseen));
  return evaluation;
}

}  // namespace troupe::model
