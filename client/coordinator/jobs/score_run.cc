// Jobs that use a stored version: score, transform and evaluate.
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/jobs/job_output.h"
#include "client/coordinator/jobs/job_request.h"
#include "client/coordinator/jobs/job_run.h"
#include "client/coordinator/jobs/pinned_chain.h"
#include "client/coordinator/passes/batch_pass.h"
#include "client/coordinator/passes/fitting.h"
#include "services/base/status_macros.h"
#include "services/table/table_text.h"

namespace troupe {
namespace {

// validate_only: asks every hop about what it was fitted for, without columns
// of these roles.
absl::Status ValidateHops(JobContext& context, const PinnedChain& chain,
                          const std::vector<pb::ColumnRole>& left_out) {
  RETURN_IF_ERROR(RequireServing(context, chain.planned));
  for (size_t i = 0; i < chain.hops.size(); ++i)
    RETURN_IF_ERROR(
        Describe(
            context, chain.planned[i],
            Without(chain.pipeline.hops(static_cast<int>(i)).input(), left_out),
            chain.hops[i].artifact)
            .status());
  return absl::OkStatus();
}

// Asks the last hop, in this job's own form, what will leave it as text.
absl::StatusOr<pb::Schema> DescribeOutput(JobContext& context,
                                          const pb::OutputSpec& output,
                                          PinnedChain& chain) {
  const size_t last = chain.hops.size() - 1;
  const pb::Schema arriving =
      Without(chain.pipeline.hops(static_cast<int>(last)).input(),
              {pb::TARGET, pb::WEIGHT});
  ASSIGN_OR_RETURN(const pb::DescribeResponse described,
                   Describe(context, chain.planned[last], arriving,
                            chain.hops[last].artifact));
  ASSIGN_OR_RETURN(const Schema leaving, FromProto(described.output()));
  chain.hops[last].output_bytes_per_row = LineBytes(leaving, output.format());
  return described.output();
}

// The source has the TARGET column, without which nothing can be measured.
// Without the WEIGHT column it can, which `warnings` then say.
absl::Status CheckTarget(JobContext& context, const pb::Schema& columns,
                         const StreamedSplits& splits,
                         std::vector<std::string>* warnings) {
  while (splits.columns().empty() && !splits.done())
    RETURN_IF_ERROR(context.Pump());
  RETURN_IF_ERROR(splits.status());
  for (const pb::Field& field : columns.fields()) {
    if (field.role() != pb::TARGET && field.role() != pb::WEIGHT) continue;
    bool found = false;
    for (const std::string& name : splits.columns())
      found |= name == field.name();
    if (found) continue;
    if (field.role() == pb::TARGET)
      return WithPrefix(UnknownColumn(field.name(), splits.columns()),
                        "the target is missing");
    warnings->push_back(
        absl::StrCat("the weight \"", field.name(),
                     "\" is missing: the metrics are not weighted"));
  }
  return absl::OkStatus();
}

// validate_only: one page of the input is cut, which checks its columns.
absl::Status ReadOnePage(JobContext& context, const StreamedSplits& splits) {
  while (splits.columns().empty() && !splits.done())
    RETURN_IF_ERROR(context.Pump());
  return splits.status();
}

}  // namespace

absl::StatusOr<JobOutcome> RunScore(JobContext& context, const pb::Job& job,
                                    bool validate_only) {
  const JobEnvironment& environment = context.environment();
  ASSIGN_OR_RETURN(pb::Pipeline pipeline,
                   environment.pipelines->Get(job.pipeline()));
  const pb::OutputSpec output =
      OutputOf(job.request(), pipeline.spec().output());
  ASSIGN_OR_RETURN(
      const JobInput input,
      InputOf(job.request(), pipeline.spec().source(), *environment.uploads));
  PinnedChain chain = PinChain(std::move(pipeline), job.kind(), output);
  if (validate_only)
    RETURN_IF_ERROR(ValidateHops(context, chain, {pb::TARGET, pb::WEIGHT}));
  ASSIGN_OR_RETURN(const pb::Schema leaving,
                   DescribeOutput(context, output, chain));

  FlowPlan plan;
  plan.columns = Without(chain.pipeline.input(), {pb::TARGET, pb::WEIGHT});
  plan.hops = chain.hops;
  RejectAccount account(input.source());
  plan.read_rejected_text = account.rejects();
  StreamedSplits splits(&context, &input, plan.columns, !validate_only);
  if (validate_only) {
    RETURN_IF_ERROR(splits.Begin(0));
    RETURN_IF_ERROR(ReadOnePage(context, splits));
    return JobOutcome();
  }

  RETURN_IF_ERROR(context.Enter(pb::RUNNING));
  context.BeginPhase(job.kind() == pb::SCORE ? "score" : "transform",
                     input.bytes());
  ASSIGN_OR_RETURN(const std::unique_ptr<JobOutput> written,
                   JobOutput::Open(&context, output, leaving, account));
  plan.text = written->text();
  RETURN_IF_ERROR(splits.Begin(written->next_batch()));
  RETURN_IF_ERROR(
      RunPass(context, input, plan, splits, account, written->Sink()));
  JobOutcome outcome;
  outcome.Count(account);
  ASSIGN_OR_RETURN(outcome.manifest,
                   written->Publish(account, splits, job, outcome.report));
  outcome.has_manifest = true;
  return outcome;
}

absl::StatusOr<JobOutcome> RunEvaluate(JobContext& context, const pb::Job& job,
                                       bool validate_only) {
  const JobEnvironment& environment = context.environment();
  ASSIGN_OR_RETURN(pb::Pipeline pipeline,
                   environment.pipelines->Get(job.pipeline()));
  ASSIGN_OR_RETURN(
      const JobInput input,
      InputOf(job.request(), pipeline.spec().source(), *environment.uploads));
  const pb::OutputSpec output =
      OutputOf(job.request(), pipeline.spec().output());
  const PinnedChain chain = PinChain(std::move(pipeline), job.kind(), output);
  if (validate_only) RETURN_IF_ERROR(ValidateHops(context, chain, {pb::CARRY}));
  FlowPlan plan;
  plan.columns = Without(chain.pipeline.input(), {pb::CARRY});
  plan.target_required = true;
  plan.hops.assign(chain.hops.begin(), chain.hops.end() - 1);
  const pb::Schema arriving =
      Without(chain.pipeline.hops().rbegin()->input(), {pb::CARRY});

  StreamedSplits splits(&context, &input, plan.columns, false);
  RETURN_IF_ERROR(splits.Begin(0));
  std::vector<std::string> warnings;
  RETURN_IF_ERROR(CheckTarget(context, plan.columns, splits, &warnings));
  if (validate_only) return JobOutcome();
  RETURN_IF_ERROR(context.Enter(pb::RUNNING));
  context.BeginPhase("evaluate", input.bytes());
  RejectAccount account(input.source());
  JobOutcome outcome;
  ASSIGN_OR_RETURN(
      *outcome.report.mutable_test(),
      EvaluateRows(context, input, splits, std::move(plan), chain.hops.back(),
                   arriving, account, &warnings));
  for (std::string& warning : warnings)
    outcome.report.add_warnings(std::move(warning));
  outcome.report.set_test_rows(outcome.report.test().rows());
  outcome.Count(account);
  return outcome;
}

}  // namespace troupe
