// The JobStore keeps jobs across restarts: their requests, states and results.
// What a job has done so far is in the Journal.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/coordinator/state/database.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// Whether a job in `state` has ended.
bool IsTerminal(pb::JobState state);

// Whether it ended with what was asked for.
bool HasSucceeded(pb::JobState state);

// Whether it does nothing until somebody says so: it has ended, or waits for
// disk space.
bool HasStopped(pb::JobState state);

// The name of the pipeline that the job fits or uses, without a version; "" for
// a job without one. The job has its request.
std::string PipelineNameOf(const pb::Job& job);

class JobStore {
 public:
  // Begins a new epoch. `database` must live as long as this object.
  static absl::StatusOr<std::unique_ptr<JobStore>> Open(Database* database);

  // Counts the coordinator's starts, from 1.
  int64_t epoch() const { return epoch_; }

  // Records `job` (with its request), durably, and claims its upload; both or
  // neither. If a job has the same request_id: returns that job when its
  // request is the same, otherwise ALREADY_EXISTS (REQUEST_ID_REUSED).
  // UPLOAD_NOT_FOUND. PIPELINE_NOT_FOUND where the version it names is gone;
  // afterwards that is not deleted until the job has ended.
  struct Added {
    pb::Job job;
    bool created = false;
  };
  absl::StatusOr<Added> Add(const pb::Job& job);

  // The id of the job that this request made; JOB_NOT_FOUND where none did,
  // also for a request without request_id. REQUEST_ID_REUSED as in Add.
  absl::StatusOr<std::string> FindRequest(const pb::CreateJobRequest& request);

  // Replaces everything but the request. A job that has succeeded needs its
  // upload no more. JOB_NOT_FOUND.
  absl::Status Update(const pb::Job& job);

  // The same of an ended job that is to go on: its version is needed again.
  // Also PIPELINE_NOT_FOUND.
  absl::Status Reopen(const pb::Job& job);

  // The jobs that have not ended and name the version, oldest first.
  static absl::StatusOr<std::vector<std::string>> UsersOf(
      Connection& connection, absl::string_view version);

  // JOB_NOT_FOUND.
  absl::StatusOr<pb::Job> Get(absl::string_view id);

  // A page of what `request` asks for: newest first, without reports and
  // requests. BAD_SPEC for a page_token that this did not return.
  absl::StatusOr<pb::ListJobsResponse> List(const pb::ListJobsRequest& request);

  // Ids of jobs that have not ended, oldest first.
  absl::StatusOr<std::vector<std::string>> Unfinished();

  // Ids of jobs that ended more than `after` of lived time ago
  // (Database::Lived), or that are not among the `keep` newest ended ones; a
  // hundred at most.
  absl::StatusOr<std::vector<std::string>> Expired(absl::Duration after,
                                                   int64_t keep);

  // Ids of ended jobs behind `*number` (0: from the oldest on), a hundred at
  // most, oldest first; moves `*number` to the last of them.
  absl::StatusOr<std::vector<std::string>> EndedAfter(int64_t* number);

  // Forgets a job and its journal. Its output, and uploads that no other job
  // uses, are garbage from then on (CollectGarbage). Idempotent.
  absl::Status Delete(absl::string_view id);

 private:
  explicit JobStore(Database* database) : database_(database) {}

  absl::Status Write(Connection& connection, const pb::Job& job,
                     int64_t ended_at);

  Database* const database_;
  int64_t epoch_ = 0;
};

}  // namespace troupe
