// The Batcher merges requests of one version: whatever waits when one of its
// flows may begin leaves as one table. Nothing waits for others to come, unless
// `wait` says so.
//
// A request that is bad as a whole harms no other: when a merged flow fails,
// its requests are tried again one by one, once. Callers who left, or whose
// deadline passed, are left out when a table is cut; a flow that nobody waits
// for any more is cancelled.
//
// Thread safety: all methods may be called from any thread; answers come from
// any thread, never within Submit, without locks.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/coordinator/online/online_flow.h"
#include "client/coordinator/online/online_version.h"
#include "client/rpc/timers.h"
#include "services/base/mutex.h"

namespace troupe {

// One request, as it waits.
struct OnlineRequest {
  std::shared_ptr<const OnlineVersion> version;
  std::string text;                   // JSON Lines, each with its end.
  int64_t rows = 0;                   // At least 1.
  absl::Duration deadline;            // On the monotonic clock.
  std::function<bool()> caller_left;  // From any thread.
  // Gets the request's own rows, numbered from 0.
  std::function<void(absl::StatusOr<OnlineResult>)> answer;
};

struct BatcherOptions {
  int64_t batch_rows = 1024;  // Merged, at most.
  int64_t batch_bytes = int64_t{4} << 20;
  absl::Duration wait;          // For others, of the first one.
  int flows = 4;                // Of a version, at once.
  int64_t queue_rows = 16'384;  // That wait, of all versions.
  int64_t queue_bytes = int64_t{64} << 20;
};

class Batcher : public std::enable_shared_from_this<Batcher> {
 public:
  // What the environment holds and `timers` outlive this object.
  Batcher(BatcherOptions options, OnlineEnvironment environment,
          Timers* timers);

  // TOO_MANY_REQUESTS, at once, when too much waits.
  absl::Status Submit(OnlineRequest request);

  // Rows that wait, and requests that are not answered.
  int64_t waiting_rows() const;
  int64_t open() const;

 private:
  struct Waiting {
    OnlineRequest request;
    absl::Duration since;
    bool alone = false;  // It failed in company.
  };
  using Batch = std::vector<Waiting>;
  struct Queue {
    std::deque<Waiting> waiting;
    int flows = 0;
    bool timer_set = false;
  };
  struct Flow {
    absl::Duration deadline;  // The last one's.
    std::vector<std::function<bool()>> callers_left;
  };

  void Pump(const std::string& version);
  // Whether the first one's time to wait for others is not over.
  bool WaitsForMore(const std::string& version, Queue& queue)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes the next table's requests. Nobody wants those in `dropped`.
  Batch Cut(Queue& queue, std::vector<OnlineRequest>* dropped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Start(Batch batch);
  void Ended(const std::string& job, Batch batch,
             absl::StatusOr<OnlineResult> result);
  // Gives each request its part of `result`; an error where there are none.
  absl::Status Divide(const Batch& batch, OnlineResult result);
  void QueueAlone(Batch batch);
  void SweepLater();
  // Cancels flows that are late, or that nobody waits for.
  void Sweep();
  void Refuse(const OnlineRequest& request, const absl::Status& why);
  void Answer(const OnlineRequest& request,
              absl::StatusOr<OnlineResult> result);

  const BatcherOptions options_;
  const OnlineEnvironment environment_;
  Timers* const timers_;

  mutable Mutex mutex_;  // Guards everything below.
  std::map<std::string, Queue> queues_ ABSL_GUARDED_BY(mutex_);  // By version.
  std::map<std::string, Flow> flows_ ABSL_GUARDED_BY(mutex_);    // By job.
  int64_t waiting_rows_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t next_flow_ ABSL_GUARDED_BY(mutex_) = 0;
  bool sweeping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace troupe
