// Timers run tasks later. Code that waits takes one in its constructor, so that
// tests can turn the hands (tests/testing/fake_timers.h).
//
// Thread safety: all methods may be called from any thread, also from a task.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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

  // As Stop, but does not wait for the task that runs: it must own what it
  // touches.
  void Leave();

 private:
  // Shared with a thread that was left.
  struct Hands {
    explicit Hands(const Clock* clock) : clock(clock) {}
    void Turn();
    void Stop();

    const Clock* const clock;
    Mutex mutex;
    CondVar changed;
    bool stopping ABSL_GUARDED_BY(mutex) = false;
    std::multimap<absl::Duration, std::function<void()>> tasks
        ABSL_GUARDED_BY(mutex);  // By due time on the monotonic clock.
  };

  const std::shared_ptr<Hands> hands_;
  std::thread thread_;
};

}  // namespace troupe
