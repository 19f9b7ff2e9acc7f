// A train job: plan the whole input, fit hop after hop, fit the model, measure
// it, store a version.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/jobs/job_request.h"
#include "client/coordinator/jobs/job_run.h"
#include "client/coordinator/jobs/planner.h"
#include "client/coordinator/jobs/row_counts.h"
#include "client/coordinator/passes/batch_pass.h"
#include "client/coordinator/passes/fitting.h"
#include "client/coordinator/passes/row_place.h"
#include "services/base/nearest.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// What the steps of one training work on.
struct Training {
  JobContext& context;
  const pb::PipelineSpec& spec;
  JobInput input;
  InputPlan plan;
  RowCounts counts;
  std::vector<PlannedHop> hops;
  std::vector<FlowHop> fitted;  // One per hop that is ready.
  pb::Pipeline pipeline;
  JobOutcome outcome;
  std::vector<std::string> warnings;
  pb::Schema target_text;  // The TARGET_TEXT column, where the model wants it.

  TrainingInput Rows(pb::RowSet rows) const {
    TrainingInput training;
    training.input = &input;
    training.plan = &plan;
    training.columns = Without(pipeline.input(), {pb::CARRY});
    training.columns.MergeFrom(target_text);
    training.split = spec.split();
    // One name for the same rows: what the loader kept of them is found again.
    const bool same =
        rows == pb::TRAIN_AND_VALIDATION_ROWS && counts.validation == 0;
    training.rows = same ? pb::TRAIN_ROWS : rows;
    return training;
  }
};

void AddWarnings(const pb::DescribeResponse& described, Training& training) {
  for (const std::string& warning : described.warnings())
    training.warnings.push_back(warning);
}

absl::Status PlanTraining(Training& training, bool validate_only) {
  ASSIGN_OR_RETURN(
      training.plan,
      PlanWholeInput(training.context, training.input,
                     validate_only ? kSampleRows : 0, !validate_only));
  ASSIGN_OR_RETURN(*training.pipeline.mutable_input(),
                   AssignRoles(training.plan.schema, training.spec.roles()));
  for (std::string& column : training.plan.Columns())
    training.pipeline.add_source_columns(std::move(column));
  training.counts = CountRows(training.plan.rows, training.spec.split());
  training.outcome.report.set_train_rows(training.counts.train);
  return validate_only ? absl::OkStatus()
                       : CheckRowCounts(training.counts, training.spec.split());
}

// Warns of types that are declared for nothing.
void CheckDeclaredTypes(Training& training) {
  const auto& declared = training.input.source().types();
  for (const pb::Field& field : training.pipeline.input().fields())
    if (field.role() == pb::CARRY && declared.count(field.name()) > 0)
      training.warnings.push_back(
          absl::StrCat("source.types.", field.name(),
                       ": the column is carried as it is written; its type "
                       "has no meaning"));
}

// Every step's stage is one that the coordinator knows.
absl::Status CheckStages(const Training& training) {
  const std::vector<std::string> known =
      training.context.environment().calls->Stages();
  for (const PlannedHop& hop : training.hops) {
    if (std::find(known.begin(), known.end(), hop.stage) != known.end())
      continue;
    const std::string field =
        hop.is_model() ? "model"
                       : absl::StrCat("steps[", hop.first_step, "].stage");
    return BadSpec(field,
                   absl::StrCat("no stage \"", hop.stage, "\"",
                                DidYouMean(hop.stage, known),
                                "; --stage tells the coordinator where it is"));
  }
  return absl::OkStatus();
}

// Has the target read as it was written, too, under a name of its own.
void AddTargetText(Training& training) {
  const std::vector<std::string> taken = training.plan.Columns();
  pb::Field& field = *training.target_text.add_fields();
  field.set_name(absl::StrCat(training.spec.roles().target(), " as written"));
  while (std::find(taken.begin(), taken.end(), field.name()) != taken.end())
    field.mutable_name()->push_back('_');
  field.set_type(pb::STRING);
  field.set_role(pb::TARGET_TEXT);
}

// Lets the model complain before hours are spent on the steps. What the steps
// will leave is not known yet, so only complaints about the file count.
absl::Status AskModelEarly(Training& training) {
  const PlannedHop& hop = training.hops.back();
  if (!hop.is_model()) return absl::OkStatus();
  pb::Schema sketch;
  for (const pb::Field& field : training.pipeline.input().fields())
    if (field.role() != pb::FEATURE || field.type() != pb::STRING)
      *sketch.add_fields() = field;
  const absl::StatusOr<pb::DescribeResponse> described =
      Describe(training.context, hop, sketch, "");
  if (described.ok() && described->target_text()) AddTargetText(training);
  const ErrorMetadata metadata = MetadataOf(described.status());
  return metadata.count("field") > 0 ? described.status() : absl::OkStatus();
}

FlowHop FlowOf(const PlannedHop& hop) {
  FlowHop flow;
  flow.stage = hop.stage;
  flow.params = hop.params;
  flow.form = hop.makes_features() ? pb::MATRIX : pb::COLUMNS;
  return flow;
}

// Fits one hop by a Fit, and reports what was learned.
absl::StatusOr<std::string> FitModel(Training& training, const FlowHop& hop,
                                     const pb::Schema& arriving,
                                     const std::vector<std::string>& features,
                                     const std::string& step) {
  pb::FitStart start;
  *start.mutable_params() = hop.params;
  *start.mutable_input() = Without(arriving, {pb::CARRY, pb::FEATURE});
  start.mutable_input()->MergeFrom(training.target_text);
  start.mutable_features()->Add(features.begin(), features.end());
  start.set_expected_rows(training.counts.train + training.counts.validation);
  RejectAccount account(training.input.source());
  ASSIGN_OR_RETURN(FitResult fit,
                   FitByStreaming(training.context,
                                  training.Rows(pb::TRAIN_AND_VALIDATION_ROWS),
                                  training.fitted, hop, start, step, account));
  training.outcome.Count(account);
  pb::Report& report = training.outcome.report;
  report.set_train_rows(fit.learned.train_rows());
  report.set_validation_rows(fit.learned.validation_rows());
  report.set_rounds(fit.learned.rounds());
  *report.mutable_importance() = fit.learned.importance();
  for (const std::string& warning : fit.learned.warnings())
    training.warnings.push_back(warning);
  return fit.artifact;
}

// Fits hop number `i`, if it has to be, and describes it as it then is.
absl::Status FitHop(Training& training, size_t i) {
  const PlannedHop& hop = training.hops[i];
  const bool first = i == 0;
  const pb::Schema arriving =
      first ? training.pipeline.input() : training.pipeline.output();
  std::vector<std::string> features;
  if (!first) {
    const auto& before = *training.pipeline.hops().rbegin();
    features.assign(before.features().begin(), before.features().end());
  }
  ASSIGN_OR_RETURN(pb::DescribeResponse described,
                   Describe(training.context, hop, arriving, ""));
  AddWarnings(described, training);
  FlowHop flow = FlowOf(hop);
  const std::string step = absl::StrCat("fit hop ", i);
  if (described.fitting() == pb::BY_OBSERVE) {
    RejectAccount account(training.input.source());
    auto artifact =
        FitByObserving(training.context, training.Rows(pb::TRAIN_ROWS),
                       training.fitted, flow, Without(arriving, {pb::CARRY}),
                       hop.stage, step, account, &training.warnings);
    if (!artifact.ok()) return InSpecPaths(artifact.status(), hop);
    flow.artifact = *std::move(artifact);
    if (!training.spec.has_model())
      training.outcome.rows_rejected = account.rows_rejected();
  } else if (described.fitting() == pb::BY_FIT) {
    auto artifact = FitModel(training, flow, arriving, features, step);
    if (!artifact.ok())
      return InSpecPaths(AtRow(training.context, training.input,
                               training.plan.splits, artifact.status()),
                         hop);
    flow.artifact = *std::move(artifact);
  }
  if (!flow.artifact.empty()) {
    ASSIGN_OR_RETURN(described,
                     Describe(training.context, hop, arriving, flow.artifact));
  }
  flow.output_bytes_per_row = described.output_bytes_per_row();
  pb::Hop& stored = *training.pipeline.add_hops();
  stored.set_stage(hop.stage);
  *stored.mutable_params() = hop.params;
  stored.set_artifact(flow.artifact);
  *stored.mutable_features() = described.features();
  stored.set_output_bytes_per_row(described.output_bytes_per_row());
  stored.set_evaluator(described.evaluator());
  *stored.mutable_input() = arriving;
  *training.pipeline.mutable_output() = described.output();
  if (described.features_size() > 0)
    *training.outcome.report.mutable_features() = described.features();
  training.fitted.push_back(std::move(flow));
  return absl::OkStatus();
}

// Measures the model on some of the rows.
absl::StatusOr<pb::Evaluation> Measure(Training& training, pb::RowSet rows,
                                       const std::string& phase,
                                       RejectAccount& account) {
  training.context.BeginPhase(phase, training.plan.bytes);
  const FlowHop model = training.fitted.back();
  FlowPlan plan;
  plan.columns = Without(training.pipeline.input(), {pb::CARRY});
  plan.rows = rows;
  plan.row_split = training.spec.split();
  plan.target_required = true;
  plan.hops.assign(training.fitted.begin(), training.fitted.end() - 1);
  PlannedSplits splits(&training.plan);
  return EvaluateRows(
      training.context, training.input, splits, std::move(plan), model,
      Without(training.pipeline.hops().rbegin()->input(), {pb::CARRY}), account,
      &training.warnings);
}

absl::Status MeasureModel(Training& training) {
  if (!training.spec.has_model()) {
    training.outcome.rows_read = training.plan.rows;
    return absl::OkStatus();
  }
  pb::Report& report = training.outcome.report;
  if (training.counts.validation > 0) {
    // The Fit has counted these rows already.
    RejectAccount counted(training.input.source());
    ASSIGN_OR_RETURN(*report.mutable_validation(),
                     Measure(training, pb::VALIDATION_ROWS,
                             "evaluate on validation rows", counted));
  }
  if (training.counts.test > 0) {
    RejectAccount account(training.input.source());
    ASSIGN_OR_RETURN(
        *report.mutable_test(),
        Measure(training, pb::TEST_ROWS, "evaluate on test rows", account));
    training.outcome.Count(account);
    report.set_test_rows(account.rows_read() - account.rows_rejected());
  }
  if (training.outcome.rows_read != training.plan.rows)
    return absl::InternalError(absl::StrCat("rows are missing: planned ",
                                            training.plan.rows, ", read ",
                                            training.outcome.rows_read));
  return absl::OkStatus();
}

absl::Status StoreVersion(Training& training) {
  const JobEnvironment& environment = training.context.environment();
  pb::Pipeline& pipeline = training.pipeline;
  pipeline.set_name(training.spec.name());
  *pipeline.mutable_spec() = training.spec;
  *pipeline.mutable_spec()->mutable_source() = training.input.source();
  if (!training.spec.has_model())
    *pipeline.mutable_output() =
        Without(pipeline.output(), {pb::TARGET, pb::WEIGHT});
  *pipeline.mutable_report() = training.outcome.report;
  *pipeline.mutable_create_time() = TimestampOf(environment.clock->Now());
  RETURN_IF_ERROR(training.context.Check());
  ASSIGN_OR_RETURN(const pb::Pipeline stored,
                   environment.pipelines->Register(std::move(pipeline),
                                                   training.context.id()));
  training.outcome.pipeline = VersionName(stored);
  return absl::OkStatus();
}

// How an error names a hop.
std::string PathOf(const PlannedHop& hop) {
  if (hop.is_model()) return "model";
  return absl::StrCat("steps[", hop.first_step, "]",
                      hop.stage == "preprocessor"
                          ? ""
                          : absl::StrCat(" (stage ", hop.stage, ")"));
}

// Whether a stage that saw a part of the columns can have complained for that.
bool MayBeForMissingColumns(const absl::Status& status) {
  return absl::IsInvalidArgument(status) &&
         (ReasonOf(status) != "BAD_SPEC" ||
          MetadataOf(status).count("field") == 0);
}

// Asks every stage about every hop before anything is fitted. What a hop that
// learns will leave is known in part only; what the hops behind it could not be
// asked for that reason, the warnings say.
absl::Status ValidateHops(Training& training) {
  pb::Schema arriving = training.pipeline.input();
  bool complete = true;
  for (const PlannedHop& hop : training.hops) {
    if (!complete)
      training.warnings.push_back(absl::StrCat(
          PathOf(hop),
          hop.is_model() ? " was checked against the file's columns"
                         : " was checked in part",
          ": what the steps before it leave is known once they are fitted"));
    // Of the file's columns the model was asked before.
    if (hop.is_model() && !complete) return absl::OkStatus();
    const absl::StatusOr<pb::DescribeResponse> described =
        Describe(training.context, hop, arriving, "");
    if (described.ok()) {
      AddWarnings(*described, training);
      complete &= described->fitting() == pb::NO_FITTING;
      arriving = described->output();
    } else if (complete || !MayBeForMissingColumns(described.status())) {
      return described.status();
    }
  }
  return absl::OkStatus();
}

void AddWarningsOnce(const std::vector<std::string>& warnings,
                     pb::Report& report) {
  for (const std::string& warning : warnings) {
    bool known = false;
    for (const std::string& other : report.warnings())
      known |= other == warning;
    if (!known) report.add_warnings(warning);
  }
}

}  // namespace

absl::StatusOr<JobOutcome> RunTrain(JobContext& context, const pb::Job& job,
                                    bool validate_only) {
  pb::PipelineSpec spec = job.request().spec();
  *spec.mutable_output() = OutputOf(job.request(), spec.output());
  ASSIGN_OR_RETURN(JobInput input, InputOf(job.request(), spec.source(),
                                           *context.environment().uploads));
  Training training{
      context, spec, std::move(input), {}, {}, PlanHops(spec), {}, {}, {},
      {},      {}};
  RETURN_IF_ERROR(CheckStages(training));
  if (validate_only) RETURN_IF_ERROR(RequireServing(context, training.hops));
  RETURN_IF_ERROR(PlanTraining(training, validate_only));
  CheckDeclaredTypes(training);
  RETURN_IF_ERROR(AskModelEarly(training));
  if (validate_only) {
    RETURN_IF_ERROR(ValidateHops(training));
  } else {
    RETURN_IF_ERROR(context.Enter(pb::RUNNING));
    for (size_t i = 0; i < training.hops.size(); ++i)
      RETURN_IF_ERROR(FitHop(training, i));
    RETURN_IF_ERROR(MeasureModel(training));
  }
  // Of the whole input, whoever has read it how often.
  if (training.plan.short_rows.count() > 0)
    *training.outcome.report.mutable_short_rows() = training.plan.short_rows;
  AddWarningsOnce(training.warnings, training.outcome.report);
  if (!validate_only) RETURN_IF_ERROR(StoreVersion(training));
  return std::move(training.outcome);
}

}  // namespace troupe
