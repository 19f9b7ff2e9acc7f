// The story of one job, from its request to its end.
//
// Thread safety: one job's run belongs to one thread; several jobs run at once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/passes/job_context.h"
#include "client/coordinator/passes/live_job.h"
#include "client/coordinator/passes/reject_account.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// Checks a job against all stages it uses and one page of its input, and stores
// nothing. Returns it without an id; its warnings say what was not checked.
// Blocks for as long as nobody stops `live` and the caller is there; looks
// every 100 ms. NO_REPLICA, at once, names the stages that cannot be asked.
absl::StatusOr<pb::Job> ValidateJob(const JobEnvironment& environment,
                                    const std::shared_ptr<LiveJob>& live,
                                    std::function<bool()> caller_left);

// What a job leaves behind when it succeeds.
struct JobOutcome {
  pb::Report report;
  std::string pipeline;  // TRAIN: the version stored.
  int64_t rows_read = 0;
  int64_t rows_rejected = 0;
  bool has_manifest = false;
  pb::Manifest manifest;

  // Enters a pass whose rows no other pass counts.
  void Count(const RejectAccount& account);
};

// One run of a job.
class JobRun {
 public:
  JobRun(const JobEnvironment* environment, std::shared_ptr<LiveJob> live)
      : context_(environment, std::move(live)) {}

  // Runs the job to its end, and goes on from what the journal holds. Blocks.
  void Work();

  // Whether it broke off because it is no short job; as a long one it begins
  // anew.
  bool TurnedOutLong();

  // Then moves the job to what that end is: a terminal state, DISK_FULL, or
  // QUEUED again when it was suspended or is long. Returns whether that is
  // recorded; otherwise only the live job knows it.
  absl::Status End();

 private:
  JobContext context_;
  absl::StatusOr<JobOutcome> outcome_ = absl::UnknownError("it has not run");
};

// --- For the files that tell one kind of job each ----------------------------

absl::StatusOr<JobOutcome> RunTrain(JobContext& context, const pb::Job& job,
                                    bool validate_only);
absl::StatusOr<JobOutcome> RunInspect(JobContext& context, const pb::Job& job,
                                      bool validate_only);
// SCORE and TRANSFORM.
absl::StatusOr<JobOutcome> RunScore(JobContext& context, const pb::Job& job,
                                    bool validate_only);
absl::StatusOr<JobOutcome> RunEvaluate(JobContext& context, const pb::Job& job,
                                       bool validate_only);

// The loader and the stages of `hops` have replicas; NO_REPLICA otherwise.
struct PlannedHop;
absl::Status RequireServing(JobContext& context,
                            const std::vector<PlannedHop>& hops);

// Asks a stage about a hop; errors are told in the paths of the pipeline file.
absl::StatusOr<pb::DescribeResponse> Describe(JobContext& context,
                                              const PlannedHop& hop,
                                              const pb::Schema& input,
                                              const std::string& artifact);

// Where a job's output lies.
std::string OutputDirectory(const JobEnvironment& environment,
                            const std::string& job);

}  // namespace troupe
