#include "services/model/model.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/table_request.h"
#include "services/host/text_reply.h"
#include "services/model/backend.h"
#include "services/model/evaluation.h"
#include "services/model/feature_binding.h"
#include "services/model/model_plan.h"
#include "services/model/prediction.h"
#include "services/model/training_reader.h"
#include "services/model/training_set.h"
#include "services/table/table.h"
#include "services/table/wire.h"

namespace troupe::model {
namespace {

// Scores and output of these rows are in memory at once. The coordinator's
// batches are smaller by far.
absl::Status CheckAnswer(const Table& table, const FittedModel& model,
                         const pb::OutputSpec& output) {
  constexpr int64_t kMaxBytes = int64_t{1} << 30;
  const int64_t row_bytes =
      BytesPerRow(OutputSchema(table.schema, model, output)) +
      8 * std::max(1, model.labels.size());
  if (table.rows <= kMaxBytes / row_bytes) return absl::OkStatus();
  return BadMessage(absl::StrCat(table.rows, " rows of ", row_bytes,
                                 " bytes are too large an answer; ask for a "
                                 "range of rows"));
}

// Features by share, highest first; of equals the first column.
void AddImportance(const std::vector<std::string>& features,
                   const std::vector<double>& shares, pb::FitResult& result) {
  std::vector<size_t> order(features.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return shares[a] > shares[b]; });
  for (const size_t feature : order) {
    pb::Importance& importance = *result.add_importance();
    importance.set_feature(features[feature]);
    importance.set_share(shares[feature]);
  }
}

// What leaves an unfitted model, as far as it is known: probabilities need the
// labels.
Schema UnfittedOutput(const ModelPlan& plan, const Schema& input) {
  Schema output;
  for (const Field& field : input)
    if (field.role == pb::CARRY) output.push_back(field);
  const auto target = static_cast<size_t>(FindRole(input, pb::TARGET));
  output.push_back(
      {"prediction",
       plan.objective.classifies() ? input[target].type : pb::FLOAT64,
       pb::OUTPUT});
  return output;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const FittedModel>> Model::Fitted(
    const std::string& sha256) {
  if (sha256.empty())
    return BadMessage("the model needs the artifact that a Fit made");
  return artifacts().Get<FittedModel>(sha256);
}

absl::StatusOr<std::shared_ptr<const Artifact>> Model::LoadArtifact(
    std::string bytes) {
  return LoadFittedModel(bytes, options_.predict_threads);
}

absl::StatusOr<pb::DescribeResponse> Model::Describe(
    pb::DescribeRequest& request, const Context&) {
  const pb::ModelParams& params = request.params().model();
  RETURN_IF_ERROR(CheckOutput(params.output()));
  ASSIGN_OR_RETURN(const Schema input, FromProto(request.input()));
  pb::DescribeResponse response;
  Schema output;
  if (request.artifact().empty()) {
    ASSIGN_OR_RETURN(const ModelPlan plan, PlanModel(params));
    RETURN_IF_ERROR(CheckRoles(plan, input));
    ASSIGN_OR_RETURN(const BackendKind* kind, Backends().Find(plan.backend));
    RETURN_IF_ERROR(kind->Check(plan));
    response.set_fitting(pb::BY_FIT);
    const auto target = static_cast<size_t>(FindRole(input, pb::TARGET));
    response.set_target_text(plan.objective.classifies() &&
                             input[target].type != pb::STRING);
    output = UnfittedOutput(plan, input);
  } else {
    ASSIGN_OR_RETURN(const auto model, Fitted(request.artifact()));
    response.set_fitting(pb::NO_FITTING);
    response.set_evaluator(model->backend->evaluator());
    output = OutputSchema(input, *model, params.output());
  }
  RETURN_IF_ERROR(FromProto(ToProto(output)).status());
  response.set_output_bytes_per_row(BytesPerRow(output));
  *response.mutable_output() = ToProto(output);
  return response;
}

absl::StatusOr<pb::ProcessResponse> Model::Process(pb::ProcessRequest& request,
                                                   const Context&) {
  const pb::OutputSpec& output = request.params().model().output();
  RETURN_IF_ERROR(CheckOutput(output));
  ASSIGN_OR_RETURN(const auto model, Fitted(request.artifact()));
  ASSIGN_OR_RETURN(Table table, TakeTable(request));
  RETURN_IF_ERROR(CheckAnswer(table, *model, output));
  ASSIGN_OR_RETURN(const DenseMatrix features,
                   BindFeatures(table, model->features));
  ASSIGN_OR_RETURN(const std::vector<double> scores,
                   model->backend->Predict(features));
  pb::ProcessResponse response;
  response.set_rows(table.rows);
  RETURN_IF_ERROR(
      SetTable(request, OutputTable(std::move(table), scores, *model, output),
               response));
  return response;
}

absl::StatusOr<pb::ObserveResponse> Model::Observe(pb::ObserveRequest& request,
                                                   const Context&) {
  if (request.purpose() != pb::EVALUATION)
    return BadMessage("the model is fitted by Fit; it observes evaluations");
  const pb::OutputSpec& output = request.params().model().output();
  RETURN_IF_ERROR(CheckOutput(output));
  ASSIGN_OR_RETURN(const auto model, Fitted(request.artifact()));
  ASSIGN_OR_RETURN(Table table, TakeTable(request));
  RETURN_IF_ERROR(CheckAnswer(table, *model, output));
  ASSIGN_OR_RETURN(Observation observation,
                   ObserveEvaluation(*model, output, std::move(table)));
  pb::ObserveResponse response;
  response.set_rows(observation.rows);
  if (!observation.rejected.empty())
    *response.mutable_rejected() = observation.rejected.ToProto();
  response.set_partial(std::move(observation.partial));
  return response;
}

absl::StatusOr<pb::MergeResponse> Model::Merge(pb::MergeRequest& request,
                                               const Context&) {
  if (request.purpose() != pb::EVALUATION)
    return BadMessage("the model is fitted by Fit; it merges evaluations");
  ASSIGN_OR_RETURN(const auto model, Fitted(request.artifact()));
  pb::MergeResponse response;
  if (request.last()) {
    std::vector<std::string> warnings;
    ASSIGN_OR_RETURN(*response.mutable_evaluation(),
                     FinishEvaluation(*model, request.partials(), warnings));
    response.mutable_warnings()->Assign(warnings.begin(), warnings.end());
  } else {
    ASSIGN_OR_RETURN(*response.mutable_partial(),
                     JoinPartials(*model, request.partials()));
  }
  return response;
}

absl::StatusOr<Learned> Model::Fit(const pb::FitStart& start, FitStream& tables,
                                   const Context& context) {
  ASSIGN_OR_RETURN(const ModelPlan plan, PlanModel(start.params().model()));
  ASSIGN_OR_RETURN(const BackendKind* kind, Backends().Find(plan.backend));
  ASSIGN_OR_RETURN(const auto reader,
                   TrainingReader::Create(plan, options_, start));
  for (;;) {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, tables.Next());
    if (!bytes.has_value()) break;
    ASSIGN_OR_RETURN(const Table table, ParseTable(*bytes));
    RETURN_IF_ERROR(reader->Add(table));
  }
  ASSIGN_OR_RETURN(TrainingSet set, reader->Finish());
  const auto tell = [&](int rounds) {
    pb::FitProgress progress;
    progress.set_rounds(rounds);
    progress.set_rounds_at_most(plan.rounds);
    tables.Tell(progress);
  };
  tell(0);
  ASSIGN_OR_RETURN(FitResult fitted,
                   kind->Fit(plan, set, {options_.threads, &context, tell}));

  Learned learned;
  pb::FitResult& result = learned.result;
  result.set_train_rows(set.train.rows());
  result.set_validation_rows(set.validation.rows());
  result.set_rounds(fitted.rounds);
  result.set_best_score(fitted.best_score);
  for (const std::string& label : set.labels.names()) result.add_labels(label);
  for (auto* const warnings : {&set.warnings, &fitted.warnings})
    for (std::string& warning : *warnings)
      result.add_warnings(std::move(warning));
  *result.mutable_rejected() = {set.rejected.begin(), set.rejected.end()};
  ASSIGN_OR_RETURN(
      learned.artifact,
      StoreFittedModel(plan, set, reader->target_name(), std::move(fitted)));
  // What was stored must be what can be read.
  ASSIGN_OR_RETURN(const auto model, LoadFittedModel(learned.artifact, 1));
  ASSIGN_OR_RETURN(const std::vector<double> shares,
                   model->backend->Importance());
  AddImportance(set.features, shares, result);
  return learned;
}

}  // namespace troupe::model
