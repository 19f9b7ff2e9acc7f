// A LiveJob is a job that has not ended yet, as its watchers see it while its
// own thread works.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/coordinator/passes/event_queue.h"
#include "proto/pb.h"
#include "services/base/mutex.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class LiveJob {
 public:
  explicit LiveJob(pb::Job job) : job_(std::move(job)) {}

  // A copy, and the number of changes so far.
  struct Snapshot {
    pb::Job job;
    int64_t version = 0;
  };
  Snapshot Get() const {
    MutexLock lock(&mutex_);
    return {job_, version_};
  }

  // What tells whether a copy is worth it.
  struct Head {
    int64_t version = 0;
    pb::JobState state = pb::JOB_STATE_UNSPECIFIED;
  };
  Head head() const {
    MutexLock lock(&mutex_);
    return {version_, job_.state()};
  }

  // Changes the job.
  void Change(const std::function<void(pb::Job&)>& change) {
    MutexLock lock(&mutex_);
    change(job_);
    ++version_;
  }

  // Hands the newest state to `record`, one call after the other: whatever
  // order two threads come in, the last record is the newest state.
  absl::Status Record(
      const std::function<absl::Status(const pb::Job&)>& record) {
    MutexLock lock(&record_mutex_);
    return record(Get().job);
  }

  // Asks the job's thread to stop: because the user said so, or because the
  // coordinator does and the job is to go on at the next start.
  enum class Stop { kNot, kCancel, kSuspend };
  void RequestStop(Stop stop) {
    Stop none = Stop::kNot;
    stop_.compare_exchange_strong(none, stop);
    events_->Post([] {});  // Wakes the job's thread.
  }
  Stop stop() const { return stop_.load(); }

  // A short job is asked for by somebody who waits: its calls go before those
  // of long ones, and it must not be long.
  void SetShort(bool is_short) { short_.store(is_short); }
  bool is_short() const { return short_.load(); }

  // Outlives this object where a late reply still holds it.
  const std::shared_ptr<EventQueue>& events() const { return events_; }

 private:
  const std::shared_ptr<EventQueue> events_ = std::make_shared<EventQueue>();
  std::atomic<Stop> stop_{Stop::kNot};
  std::atomic<bool> short_{false};
  Mutex record_mutex_;  // Orders records; taken before mutex_.
  mutable Mutex mutex_;
  pb::Job job_ ABSL_GUARDED_BY(mutex_);
  int64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace troupe
