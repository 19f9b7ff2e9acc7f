// Runs a job to its end from here: sends the input, submits, follows.
//
// Thread safety: one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/download.h"
#include "client/cli/exit_code.h"
#include "client/cli/local_input.h"
#include "client/cli/options.h"
#include "client/cli/session.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// What `pipeline` (NAME or NAME@N) is now. NOT_FOUND (PIPELINE_NOT_FOUND).
absl::StatusOr<pb::Pipeline> FindVersion(Session& session,
                                         const std::string& pipeline);
// `name@N`.
std::string VersionOf(const pb::Pipeline& pipeline);

// Submits `request`, whose source is `input`, and returns the job. `source` is
// the one in the request that `input` belongs to.
absl::StatusOr<pb::Job> SubmitJob(Session& session,
                                  pb::CreateJobRequest request,
                                  const InputChoice& input);

// Follows a job until it has ended, and returns it. `on_job`, where given, sees
// every change in place of the progress line.
absl::StatusOr<pb::Job> FollowJob(
    Session& session, const std::string& id,
    const std::function<void(const pb::Job&)>& on_job = nullptr);

// The error of a FAILED job; OK for all others.
absl::Status JobError(const pb::Job& job);

// Says how a job that has ended went, where that is not plain success: its
// error, warnings, how many rows were rejected. With --json, prints the job.
// `locate` may add to an error where it comes from.
absl::StatusOr<ExitCode> ConcludeJob(
    Session& session, const pb::Job& job,
    const std::function<absl::Status(const absl::Status&)>& locate = nullptr);

// Whether the job has a result: SUCCEEDED or PARTIALLY_SUCCEEDED.
bool HasResult(const pb::Job& job);

// Whether the job has ended.
bool HasEnded(const pb::Job& job);

// What a command that does not wait ends with: the job's id.
absl::StatusOr<ExitCode> PrintSubmitted(Session& session, const pb::Job& job);

// The target for a job's output, checked before the job is run; none with
// --detach, which leaves before there is an output. BAD_USAGE or BAD_OUTPUT.
// `job`: the one whose output is wanted, where there is one already.
absl::StatusOr<std::optional<OutputTarget>> OpenOutput(
    Session& session, const OutputOptions& options,
    const pb::Job* job = nullptr);

// Fetches the output of a job with a result to `path`. Says where it lies.
absl::Status SaveOutput(Session& session, const pb::Job& job,
                        OutputTarget& target, const std::string& path);

}  // namespace troupe
