// The JobScheduler runs jobs: a few at once, each on a thread of its own, the
// others wait in the order they came. Short ones, for which somebody waits
// (inspect, evaluate), have threads of their own, and never wait behind long
// ones. What a job is taken for is its kind; one that turns out to have much
// input, or to wait for a stage, begins anew as a long one.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/passes/job_context.h"
#include "client/coordinator/passes/live_job.h"
#include "proto/pb.h"
#include "services/base/mutex.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class JobScheduler {
 public:
  // `environment` must live as long as this object.
  // Runs `max_running` long jobs at once, and a few short ones.
  // Takes no more when `max_unfinished` jobs wait or run.
  JobScheduler(const JobEnvironment* environment, int max_running,
               int64_t max_unfinished = 1000);
  // Suspends what runs.
  ~JobScheduler();

  // Queues the jobs that an earlier process left unfinished, and those that
  // waited for disk space. Once, at the start.
  absl::Status Recover();

  // Records and queues a job. Idempotent by its request_id. RESOURCE_EXHAUSTED
  // (TOO_MANY_JOBS).
  absl::StatusOr<pb::Job> Submit(const pb::Job& job);

  // Checks a job, and records nothing (jobs/job_run.h). Blocks until it is
  // checked, `caller_left`, or Suspend (DRAINING). RESOURCE_EXHAUSTED
  // (TOO_MANY_VALIDATIONS), at once.
  absl::StatusOr<pb::Job> Validate(const pb::Job& job,
                                   std::function<bool()> caller_left);

  // A job as it stands now. JOB_NOT_FOUND.
  absl::StatusOr<pb::Job> Get(const std::string& id);
  // The job while it is queued or runs; null otherwise.
  std::shared_ptr<LiveJob> FindLive(const std::string& id);

  // How many jobs there are of each sort.
  pb::JobQueue Describe();

  // As the coordinator's methods of these names. Resume also TOO_MANY_JOBS.
  absl::StatusOr<pb::Job> Cancel(const std::string& id);
  absl::StatusOr<pb::Job> Resume(const std::string& id);
  absl::Status Delete(const std::string& id);

  // Removes artifacts that nothing names; jobs may run.
  void CollectArtifacts();

  // Stops the jobs so that they go on at the next start, and takes no more.
  // Waits for their threads and for callers of Validate. Idempotent.
  void Suspend();

 private:
  // One change of a job's life at a time: submit, cancel, resume, delete and
  // the end of its run wait for each other.
  class Turn {
   public:
    Turn(JobScheduler* scheduler, const std::string& id);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    JobScheduler& scheduler_;
    const std::string id_;
  };

  absl::StatusOr<pb::Job> CancelStopped(const std::string& id);
  using Queue = std::deque<std::string>;
  Queue& QueueOf(const LiveJob& live) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return live.is_short() ? short_queue_ : queue_;
  }
  void Work(Queue* queue);
  std::shared_ptr<LiveJob> Take(Queue& queue)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Unqueue(const std::string& id);
  // Keeps a place for one more job until EndAdmission: by then it is live, or
  // came to nothing. DRAINING or TOO_MANY_JOBS.
  absl::Status Admit();
  void EndAdmission();
  absl::Status Enqueue(const pb::Job& job);
  void RunNext(const std::shared_ptr<LiveJob>& live);

  const JobEnvironment* const environment_;
  const int max_running_;
  const int64_t max_unfinished_;
  Mutex mutex_;  // Guards which jobs are live.
  CondVar changed_;
  bool suspended_ ABSL_GUARDED_BY(mutex_) = false;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t admitted_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<std::string> turns_ ABSL_GUARDED_BY(mutex_);  // Taken.
  CondVar turn_over_;
  Queue queue_ ABSL_GUARDED_BY(mutex_);
  Queue short_queue_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<LiveJob>> live_ ABSL_GUARDED_BY(mutex_);
  std::set<std::shared_ptr<LiveJob>> validated_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> workers_;
};

}  // namespace troupe
