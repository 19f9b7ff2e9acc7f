// Timers run tasks later. Code that waits takes one in its constructor, so that
// tests can turn the hands (tests/testing/fake_timers.h).
//
// Thread safety: all methods may be called from any thread, also from a task.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace troupe {

class Timers {
 public:
  virtual ~Timers() = default;

  // Runs `task` once, `delay` from now or soon after, never within this call.
  // Tasks run one at a time, by due time, then in the order of these calls.
  // Tasks that are not due when the object is destroyed never run.
  virtual void After(absl::Duration delay, std::function<void()> task) = 0;

  // As After(0).
  void Soon(std::function<void()> task) {
    After(absl::ZeroDuration(), std::move(task));
  }
};

// Timers with a thread of their own. Destroy on another thread; that waits for
// the running task.
class TimerThread : public Timers {
 public:
  explicit TimerThread(const Clock* clock = Clock::Real());
  ~TimerThread() override;

  void After(absl::Duration delay, std::function<void()> task) override;

  // Ends the thread; tasks that wait, or come later, never run. Not on the
  // thread itself. Idempotent.
  void Stop();

 private:
  void Loop();

  const Clock* const clock_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::multimap<absl::Duration, std::function<void()>> tasks_
      ABSL_GUARDED_BY(mutex_);  // By due time on the monotonic clock.
  std::thread thread_;          // Last: it uses the others.
};

}  // namespace troupe
