// FakeTimers run tasks when a test turns the hands of their clock.
//
// Thread safety: After from any thread; Advance from the test's.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "absl/time/time.h"
#include "client/rpc/timers.h"
#include "services/base/mutex.h"
#include "tests/testing/fake_clock.h"

namespace troupe {

class FakeTimers : public Timers {
 public:
  explicit FakeTimers(FakeClock* clock) : clock_(clock) {}

  void After(absl::Duration delay, std::function<void()> task) override {
    MutexLock lock(&mutex_);
    tasks_.emplace(clock_->Monotonic() + delay, std::move(task));
  }

  // Runs everything that falls due on the way, each at its time.
  void Advance(absl::Duration by) {
    const absl::Duration until = clock_->Monotonic() + by;
    while (auto task = Next(until)) task();
    clock_->Advance(until - clock_->Monotonic());
  }
  // Runs what is due now.
  void RunDue() { Advance(absl::ZeroDuration()); }

 private:
  std::function<void()> Next(absl::Duration until) {
    MutexLock lock(&mutex_);
    if (tasks_.empty() || tasks_.begin()->first > until) return nullptr;
    const absl::Duration due = tasks_.begin()->first;
    if (due > clock_->Monotonic()) clock_->Advance(due - clock_->Monotonic());
    std::function<void()> task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    return task;
  }

  FakeClock* const clock_;
  Mutex mutex_;
  std::multimap<absl::Duration, std::function<void()>> tasks_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
