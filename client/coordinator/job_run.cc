#include "client/coordinator/job_run.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/planner.h"
#include "google/protobuf/util/time_util.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"
#include "services/host/grpc_status.h"

namespace troupe {
namespace {

void SetNow(const Clock& clock, google::protobuf::Timestamp* stamp) {
  *stamp = google::protobuf::util::TimeUtil::NanosecondsToTimestamp(
      absl::ToUnixNanos(clock.Now()));
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

// The job begins anew: what an earlier run left is of no use.
absl::Status Begin(JobContext& context) {
  const JobEnvironment& environment = context.environment();
  std::error_code ignored;
  std::filesystem::remove_all(OutputDirectory(environment, context.id()),
                              ignored);
  RETURN_IF_ERROR(environment.jobs->ForgetBatches(context.id()));
  context.live().Change([&](pb::Job& job) {
    SetNow(*environment.clock, job.mutable_start_time());
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

pb::JobState StateAfter(const absl::StatusOr<JobOutcome>& outcome) {
  if (outcome.ok())
    return outcome->rows_rejected > 0 ? pb::PARTIALLY_SUCCEEDED : pb::SUCCEEDED;
  const std::string reason = ReasonOf(outcome.status());
  if (reason == "JOB_CANCELLED") return pb::CANCELLED;
  if (reason == "JOB_SUSPENDED") return pb::QUEUED;
  return pb::FAILED;
}

void End(JobContext& context, absl::StatusOr<JobOutcome> outcome) {
  const pb::JobState state = StateAfter(outcome);
  const Clock& clock = *context.environment().clock;
  context.live().Change([&](pb::Job& job) {
    job.mutable_progress()->clear_in_flight();
    if (state == pb::FAILED) *job.mutable_error() = ErrorOf(outcome.status());
    if (outcome.ok()) Write(*std::move(outcome), job);
    if (IsTerminal(state)) SetNow(clock, job.mutable_end_time());
  });
  if (state == pb::FAILED)
    LogError("job failed", outcome.status(), {{"job", context.id()}});
  else
    Log(LogLevel::kInfo, "job ended",
        {{"job", context.id()}, {"state", pb::JobState_Name(state)}});
  const absl::Status recorded = context.Enter(state);
  if (!recorded.ok())
    LogError("job not recorded", recorded, {{"job", context.id()}});
}

absl::StatusOr<JobOutcome> RunRecorded(JobContext& context) {
  RETURN_IF_ERROR(context.Check());  // Cancelled while it was queued.
  RETURN_IF_ERROR(Begin(context));
  return RunKind(context, context.live().Get().job, false);
}

}  // namespace

void JobOutcome::Count(const RejectAccount& account) {
  rows_read += account.rows_read();
  rows_rejected += account.rows_rejected();
  for (const pb::RejectedRow& row : account.first())
    if (report.rejected_size() < 20) *report.add_rejected() = row;
}

std::string OutputDirectory(const JobEnvironment& environment,
                            const std::string& job) {
  return absl::StrCat(environment.output_root, "/", job);
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

void RunJob(const JobEnvironment& environment,
            const std::shared_ptr<LiveJob>& live) {
  JobContext context(&environment, live);
  Log(LogLevel::kInfo, "job begins", {{"job", context.id()}});
  absl::StatusOr<JobOutcome> outcome = RunRecorded(context);
  // A job that was told to stop ends for that reason, whatever broke off first.
  if (!outcome.ok() && live->stop() != LiveJob::Stop::kNot)
    outcome = context.Check();
  environment.calls->CancelJob(context.id());
  End(context, std::move(outcome));
  environment.calls->ForgetJob(context.id());
}

absl::StatusOr<pb::Job> ValidateJob(const JobEnvironment& environment,
                                    pb::Job job) {
  auto live = std::make_shared<LiveJob>(job);
  JobContext context(&environment, live);
  auto outcome = RunKind(context, job, true);
  environment.calls->CancelJob(context.id());
  environment.calls->ForgetJob(context.id());
  RETURN_IF_ERROR(outcome.status());
  Write(*std::move(outcome), job);
  job.mutable_report()->add_warnings(
      "checked against the stages and the beginning of the input; nothing was "
      "stored");
  job.clear_id();
  return job;
}

}  // namespace troupe
