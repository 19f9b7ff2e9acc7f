// A Latch holds whoever waits until it was counted down to zero.
//
// Thread safety: all methods may be called from any thread. Whoever counts down
// may still be at it when a waiter goes on: where the waiter owns the latch, it
// is shared.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace troupe {

class Latch {
 public:
  explicit Latch(int64_t count = 1) : count_(count) {}

  // Below zero it does nothing.
  void CountDown() {
    MutexLock lock(&mutex_);
    count_ = std::max<int64_t>(count_ - 1, 0);
    if (count_ == 0) zero_.NotifyAll();
  }

  // Returns whether it is at zero: false after `timeout`.
  bool Wait(absl::Duration timeout = absl::InfiniteDuration()) {
    const absl::Duration until = Clock::Real()->Monotonic() + timeout;
    MutexLock lock(&mutex_);
    while (count_ > 0) {
      const absl::Duration left = until - Clock::Real()->Monotonic();
      if (left <= absl::ZeroDuration()) return false;
      zero_.WaitFor(&mutex_, left);
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar zero_;
  int64_t count_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
