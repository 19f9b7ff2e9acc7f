#include "client/coordinator/jobs/job_run.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/jobs/job_output.h"
#include "client/coordinator/jobs/job_request.h"
#include "client/coordinator/jobs/planner.h"
#include "client/coordinator/state/journal.h"
#include "google/protobuf/util/time_util.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"
#include "services/host/grpc_status.h"

namespace troupe {
namespace {

constexpr char kDiskFull[] =
    "a disk is full; free some space, and resume the job";

// A clock that was set back must not end a job before it began.
void SetEnd(const Clock& clock, pb::Job& job) {
  *job.mutable_end_time() = TimestampOf(clock.Now());
  if (job.end_time() < job.start_time())
    *job.mutable_end_time() = job.start_time();
}

// The status as users see it, with its ErrorInfo.
google::rpc::Status ErrorOf(const absl::Status& status) {
  const grpc::Status wire = ToGrpcStatus(status);
  google::rpc::Status error;
  if (!error.ParseFromString(wire.error_details())) error.Clear();
  error.set_code(wire.error_code());
  error.set_message(wire.error_message());
  return error;
}

absl::StatusOr<JobOutcome> RunKind(JobContext& context, const pb::Job& job,
                                   bool validate_only) {
  switch (job.kind()) {
    case pb::TRAIN:
      return RunTrain(context, job, validate_only);
    case pb::INSPECT:
      return RunInspect(context, job, validate_only);
    case pb::EVALUATE:
      return RunEvaluate(context, job, validate_only);
    default:
      return RunScore(context, job, validate_only);
  }
}

// What an earlier run said is void; what it did is in the journal.
absl::Status Begin(JobContext& context) {
  const JobEnvironment& environment = context.environment();
  context.live().Change([&](pb::Job& job) {
    if (!job.has_start_time())
      *job.mutable_start_time() = TimestampOf(environment.clock->Now());
    job.clear_error();
    job.clear_report();
    job.clear_manifest();
    job.clear_progress();
  });
  return context.Enter(pb::PLANNING);
}

void Write(JobOutcome outcome, pb::Job& job) {
  *job.mutable_report() = std::move(outcome.report);
  if (!outcome.pipeline.empty()) job.set_pipeline(outcome.pipeline);
  if (outcome.has_manifest)
    *job.mutable_manifest() = std::move(outcome.manifest);
  pb::Progress& progress = *job.mutable_progress();
  progress.set_rows_read(outcome.rows_read);
  progress.set_rows_rejected(outcome.rows_rejected);
  progress.set_rows_ok(outcome.rows_read - outcome.rows_rejected);
  progress.set_eta_seconds(0);
}

pb::JobState StateAfter(const absl::StatusOr<JobOutcome>& outcome,
                        const pb::Job& job) {
  // To say which rows are bad is what inspecting is for.
  const bool told = job.kind() == pb::INSPECT && !job.request().write_output();
  if (outcome.ok())
    return outcome->rows_rejected > 0 && !told ? pb::PARTIALLY_SUCCEEDED
                                               : pb::SUCCEEDED;
  const std::string reason = ReasonOf(outcome.status());
  if (reason == "JOB_CANCELLED") return pb::CANCELLED;
  if (reason == "JOB_SUSPENDED" || reason == "NOT_SHORT") return pb::QUEUED;
  if (reason == "DISK_FULL") return pb::DISK_FULL;
  return pb::FAILED;
}

absl::Status RecordEnd(JobContext& context,
                       absl::StatusOr<JobOutcome> outcome) {
  const pb::JobState state = StateAfter(outcome, context.live().Get().job);
  const Clock& clock = *context.environment().clock;
  context.live().Change([&](pb::Job& job) {
    job.mutable_progress()->clear_in_flight();
    if (state == pb::FAILED || state == pb::DISK_FULL)
      *job.mutable_error() =
          ErrorOf(InSentYaml(job.request(), outcome.status()));
    if (outcome.ok()) Write(*std::move(outcome), job);
    if (IsTerminal(state)) SetEnd(clock, job);
  });
  if (state == pb::FAILED || state == pb::DISK_FULL)
    LogError("job failed", outcome.status(), {{"job", context.id()}});
  else
    Log(LogLevel::kInfo, "job ended",
        {{"job", context.id()}, {"state", pb::JobState_Name(state)}});
  const absl::Status recorded =
      context.Enter(state, state == pb::DISK_FULL ? kDiskFull : "");
  if (!recorded.ok())
    LogError("job not recorded", recorded, {{"job", context.id()}});
  // A version or an output vouches for what the steps led to; but what is not
  // recorded runs again after a restart, and finds its end by its steps.
  if (recorded.ok() &&
      (state == pb::SUCCEEDED || state == pb::PARTIALLY_SUCCEEDED))
    context.environment().journal->ForgetSteps(context.id()).IgnoreError();
  return recorded;
}

absl::StatusOr<JobOutcome> RunRecorded(JobContext& context) {
  RETURN_IF_ERROR(context.Check());  // Cancelled while it was queued.
  RETURN_IF_ERROR(Begin(context));
  const pb::Job job = context.live().Get().job;
  ASSIGN_OR_RETURN(std::optional<JobOutcome> before,
                   PublishedBefore(context, job));
  if (before.has_value()) return *std::move(before);
  return RunKind(context, job, false);
}

}  // namespace

void JobOutcome::Count(const RejectAccount& account) {
  rows_read += account.rows_read();
  rows_rejected += account.rows_rejected();
  for (const pb::RejectedRow& row : account.first())
    if (report.rejected_size() < 20) *report.add_rejected() = row;
  if (account.short_rows().count() == 0) return;
  const int64_t count =
      report.short_rows().count() + account.short_rows().count();
  if (!report.has_short_rows())
    *report.mutable_short_rows() = account.short_rows();
  report.mutable_short_rows()->set_count(count);
}

std::string OutputDirectory(const JobEnvironment& environment,
                            const std::string& job) {
  return absl::StrCat(environment.output_root, "/", job);
}

absl::Status RequireServing(JobContext& context,
                            const std::vector<PlannedHop>& hops) {
  std::vector<std::string> stages = {"loader"};
  for (const PlannedHop& hop : hops) stages.push_back(hop.stage);
  return context.RequireServing(stages);
}

absl::StatusOr<pb::DescribeResponse> Describe(JobContext& context,
                                              const PlannedHop& hop,
                                              const pb::Schema& input,
                                              const std::string& artifact) {
  pb::DescribeRequest request;
  *request.mutable_params() = hop.params;
  *request.mutable_input() = input;
  request.set_artifact(artifact);
  std::vector<std::string> artifacts;
  if (!artifact.empty()) artifacts.push_back(artifact);
  auto response = context.Call<pb::DescribeResponse>(
      hop.stage, stage_method::kDescribe, std::move(request), artifacts);
  if (!response.ok()) return InSpecPaths(response.status(), hop);
  return response;
}

void JobRun::Work() {
  Log(LogLevel::kInfo, "job begins", {{"job", context_.id()}});
  outcome_ = RunRecorded(context_);
  context_.environment().calls->CancelJob(context_.id());
}

bool JobRun::TurnedOutLong() {
  return context_.live().stop() == LiveJob::Stop::kNot &&
         ReasonOf(outcome_.status()) == "NOT_SHORT";
}

absl::Status JobRun::End() {
  // A job that was told to stop ends for that reason, whatever broke off first.
  if (!outcome_.ok() && context_.live().stop() != LiveJob::Stop::kNot)
    outcome_ = context_.Check();
  const absl::Status recorded = RecordEnd(context_, std::move(outcome_));
  context_.environment().calls->ForgetJob(context_.id());
  return recorded;
}

absl::StatusOr<pb::Job> ValidateJob(const JobEnvironment& environment,
                                    const std::shared_ptr<LiveJob>& live,
                                    std::function<bool()> caller_left) {
  pb::Job job = live->Get().job;
  JobContext context(&environment, live, std::move(caller_left));
  auto outcome = RunKind(context, job, true);
  environment.calls->CancelJob(context.id());
  environment.calls->ForgetJob(context.id());
  RETURN_IF_ERROR(outcome.status());
  Write(*std::move(outcome), job);
  job.mutable_report()->add_warnings(
      "checked against the stages and the beginning of the input; nothing was "
      "stored, and other rows were not looked at");
  job.clear_id();
  return job;
}

}  // namespace troupe
