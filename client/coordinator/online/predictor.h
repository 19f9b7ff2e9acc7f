// The Predictor answers Coordinator.Predict: reads the request, finds its
// version, and hands its rows to the Batcher.
//
// Thread safety: Predict from any thread, and Drain beside it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/coordinator/online/batcher.h"
#include "client/coordinator/online/online_version.h"
#include "client/coordinator/state/pipeline_registry.h"
#include "client/rpc/timers.h"
#include "proto/pb.h"
#include "services/base/mutex.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class Predictor {
 public:
  struct Options {
    BatcherOptions batcher;
    int64_t max_rows = 8192;  // Of a request.
    int64_t max_bytes = int64_t{4} << 20;
    int64_t max_batch_bytes = int64_t{32} << 20;  // As JobLimits has it.
    absl::Duration timeout = absl::Seconds(10);   // Where the caller set none.
  };

  // What `environment` holds, and `pipelines`, outlive this object.
  Predictor(Options options, OnlineEnvironment environment,
            PipelineRegistry* pipelines);

  // Never blocks. `answer` runs once, from any thread; so may `caller_left`, as
  // often as there is need. `deadline` is on the monotonic clock.
  void Predict(pb::PredictRequest request, absl::Duration deadline,
               std::function<bool()> caller_left,
               std::function<void(absl::StatusOr<pb::PredictResponse>)> answer);

  // From now on nothing is taken (DRAINING).
  void Drain() { draining_.store(true); }
  // Whether every request was answered.
  bool idle() const { return loading_.load() == 0 && batcher_->open() == 0; }

 private:
  using Version = std::shared_ptr<const OnlineVersion>;

  // The version of that name, as far as it is known; null: ask the registry.
  Version Known(const std::string& pipeline);
  // Asks it. May block.
  absl::StatusOr<Version> Find(const std::string& pipeline);
  void Submit(const Version& version, OnlineRequest request,
              std::function<void(absl::StatusOr<pb::PredictResponse>)> answer);

  const Options options_;
  const OnlineEnvironment environment_;
  PipelineRegistry* const pipelines_;
  std::atomic<bool> draining_{false};
  std::atomic<int64_t> loading_{0};  // Requests that wait for the registry.

  Mutex mutex_;
  // By the names that requests use, as of the registry's `changes`.
  std::map<std::string, Version> versions_ ABSL_GUARDED_BY(mutex_);
  int64_t changes_ ABSL_GUARDED_BY(mutex_) = -1;

  TimerThread timers_;          // The batcher's.
  TimerThread loading_thread_;  // Reads the registry.
  const std::shared_ptr<Batcher> batcher_;
};

// How many rows `text` has, and each with its end: a line is a row, but for
// blank ones. BAD_SPEC where there are none, or more than `max_rows`.
absl::StatusOr<int64_t> ReadJsonLines(std::string* text, int64_t max_rows);

}  // namespace troupe
