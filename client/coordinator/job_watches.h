// JobWatches tells watchers how jobs go on: one thread for all of them, which
// sleeps while nobody watches, and serializes a job once for all its watchers.
//
// A watcher is told at once when the state changes, otherwise at most twice a
// second, less often where there are many, so that 1,000 watchers cost a few
// percent of a core. Only its first message carries the request.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/coordinator/passes/live_job.h"
#include "services/base/mutex.h"
#include "services/host/watch.h"

namespace troupe {

class JobWatches {
 public:
  JobWatches();
  // Ends the watches.
  ~JobWatches();

  // Tells `watch` how the job stands, again at its changes, and ends it OK
  // after the change with which the job stopped.
  void Add(std::shared_ptr<LiveJob> job, std::shared_ptr<Watch> watch);

  // Ends all watches with `status`, also those that come later. Idempotent.
  void End(const absl::Status& status);

 private:
  // One job, and who watches it.
  struct Watched {
    LiveJob::Head head;  // That was looked at last.
    std::string told;    // What was sent last.
    absl::Duration told_at;
    std::vector<std::shared_ptr<Watch>> watchers;
  };

  void Run();
  void Look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns whether the job has stopped, and its watches with it, or nobody
  // watches it any more.
  bool Tell(const LiveJob& job, Watched& watched, absl::Duration interval)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;  // Guards everything below. Sending only notes the message.
  CondVar changed_;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);  // OK: not yet.
  absl::Duration swept_at_ ABSL_GUARDED_BY(mutex_);
  std::map<std::shared_ptr<LiveJob>, Watched> watched_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace troupe
