// Stats counts what became of a lane's messages, so that at every instant
//
//   accepted = succeeded + failed + expired + cancelled + bounced + in_flight
//
// One lock makes a message's move from in flight to its outcome a single step;
// atomics would be faster and could be read halfway through.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/base/mutex.h"

namespace troupe {

// What became of an accepted message.
enum class Outcome {
  kSucceeded,  // Answered with a reply.
  kFailed,     // Answered with an error by the handler, or ran too long.
  kExpired,    // Its deadline passed in the queue.
  kCancelled,  // Its caller left before it ran.
  kBounced,    // Given back because the process stops.
};

struct LaneCounters {
  int64_t accepted = 0;
  int64_t in_flight = 0;
  int64_t succeeded = 0;
  int64_t failed = 0;
  int64_t expired = 0;
  int64_t cancelled = 0;
  int64_t bounced = 0;
  std::map<std::string, int64_t> rejected;  // By reason; never accepted.
  absl::Duration waited;                    // By settled messages, in all.
  absl::Duration worked;                    // By handlers, in all.
  int64_t rows = 0;                         // Of succeeded messages.
};

class Stats {
 public:
  // What a settled message took.
  struct Cost {
    absl::Duration waited;
    absl::Duration worked;
    int64_t rows = 0;
  };

  // One more message is in flight. Each is followed by one Settle.
  void Accept();
  void Settle(Outcome outcome, const Cost& cost);

  // A message was not taken in.
  void Reject(absl::string_view reason);

  LaneCounters Read() const;

 private:
  mutable Mutex mutex_;
  LaneCounters counters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
