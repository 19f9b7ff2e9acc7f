// What a call's failure means, and how long to wait before the next try. What
// is done about it says verdict_table.h.
//
// Thread safety: the functions may be called from any thread; a RetryBudget
// needs its owner's lock.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/coordinator/stages/replica.h"
#include "client/coordinator/stages/verdict_table.h"

namespace troupe {

Verdict Judge(const absl::Status& status);

// Whether the process ended without a word while it had the call.
inline bool IsDeath(const absl::Status& status) {
  return Judge(status) == Verdict::kDied;
}

// The same of a replica of which we know whether it is `leaving` (it said so,
// or its health did): its end is in order, whatever the transport makes of it.
Verdict JudgeFrom(bool leaving, const absl::Status& status);

// Whether a fit that ended with `status` runs again.
FitRetry RetryOfFit(const absl::Status& status);

// What `status` says about the replica that gave it. `bytes`, `rows` and
// `mailbox_room` are left to the caller.
CallEnd EndOf(const absl::Status& status);

// Full jitter: between `least` and least * 2^failures, at most `most`. `random`
// is in [0, 1).
absl::Duration Backoff(int failures, absl::Duration least, absl::Duration most,
                       double random);

// Bounds retries to a share of the calls and a few per minute beside, so that a
// sick stage is not buried under repetitions.
class RetryBudget {
 public:
  RetryBudget(double ratio, double per_minute);

  // A call was made for the first time.
  void AddCall();

  // Takes a token, and returns how long to wait until it is due: zero while
  // there are some, at most a minute.
  absl::Duration Take(absl::Duration now);

 private:
  const double ratio_;
  const double per_minute_;
  double tokens_;
  absl::Duration refilled_;
};

}  // namespace troupe
