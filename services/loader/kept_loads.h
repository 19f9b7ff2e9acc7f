// KeptLoads are the answers of Load that a job will ask for again in its next
// pass, so that a training parses its text once.
//
// They are kept here, as the serialized tables that they were, and not behind
// the preprocessor: nothing else about a pass changes, so results are the same
// to the bit, and whoever is not the replica that kept an answer, or has been
// started since, parses the text as in the first pass.
//
// First come, first kept: an input that is larger than the budget still finds
// the part that fitted, where forgetting the oldest would find nothing in a
// scan that repeats. A job that has asked for nothing during `idle` has ended,
// or failed: a thread of our own drops what it left, and gives the memory back
// to the system. Where another job needs the room, a twelfth of `idle` is
// enough: that much passes only between the passes of a slow merge, which then
// costs a parse.
//
// Given up: answers shared between jobs. A job finds its own only, so equal
// checksums of two inputs can never be confused.
//
// Thread safety: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "proto/pb.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "troupe/v1/loader.pb.h"

namespace troupe::loader {

class KeptLoads {
 public:
  static constexpr absl::Duration kIdle = absl::Minutes(2);

  // `max_bytes`: of all answers together, with their keys; 0 keeps nothing.
  KeptLoads(int64_t max_bytes, const Clock* clock, absl::Duration idle = kIdle)
      : max_bytes_(max_bytes), idle_(idle), clock_(clock) {}
  ~KeptLoads();
  KeptLoads(const KeptLoads&) = delete;
  KeptLoads& operator=(const KeptLoads&) = delete;

  // The answer to `request`, `kept` set, or nothing. It is forgotten where
  // `request` says that it will not be read again.
  std::optional<pb::LoadResponse> Find(const pb::LoadRequest& request);

  // Keeps the answer where `request` says that it will be read again and names
  // its job, and where it fits.
  void Keep(const pb::LoadRequest& request, const pb::LoadResponse& response);

  // Whether anything more might be kept.
  bool has_room() const;
  // Memory taken now, and how many answers were found.
  int64_t bytes() const;
  int64_t found() const;

 private:
  struct Answer {
    std::shared_ptr<pb::LoadResponse> response;
    int64_t bytes = 0;
  };
  struct Job {
    absl::Duration used;  // Monotonic, the last request.
    std::map<std::string, Answer> answers;
  };

  std::shared_ptr<pb::LoadResponse> Take(const pb::LoadRequest& request);
  // Drops jobs that have asked for nothing for so long; says whether there were
  // any.
  bool DropIdle(absl::Duration idle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunDropper();

  const int64_t max_bytes_;
  const absl::Duration idle_;
  const Clock* const clock_;
  mutable Mutex mutex_;  // Guards what is kept, and the thread that drops it.
  CondVar changed_;      // When the first job comes, and at the end.
  std::map<std::string, Job> jobs_ ABSL_GUARDED_BY(mutex_);  // By name.
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t found_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread dropper_ ABSL_GUARDED_BY(mutex_);  // From the first answer on.
};

}  // namespace troupe::loader
