// What ends a process: signals, and the watchdog behind them.
#pragma once

#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "services/base/mutex.h"

namespace troupe {

// A SignalWatcher takes SIGTERM and SIGINT, on a thread of its own.
//
// Thread safety: made and destroyed by main.
class SignalWatcher {
 public:
  // Blocks the signals for the calling thread and all that it starts, so main
  // makes it before any other thread. `on_signal` is called for each, with how
  // many came before.
  explicit SignalWatcher(std::function<void(int signal, int before)> on_signal);
  ~SignalWatcher();

 private:
  void Watch();

  const std::function<void(int, int)> on_signal_;
  int fd_ = -1;    // Signals.
  int wake_ = -1;  // The destructor.
  std::thread thread_;
};

// A Watchdog bites when it has not been calmed in time after it was armed.
//
// Thread safety: Arm and Calm from any thread.
class Watchdog {
 public:
  // `bite` ends the process, on the watchdog's thread.
  explicit Watchdog(std::function<void()> bite);
  // Calms it.
  ~Watchdog();

  // Bites `delay` from now, or when an earlier call said, if that is sooner.
  void Arm(absl::Duration delay);
  // It bites no more, whoever arms it.
  void Calm();

 private:
  void Watch();

  const std::function<void()> bite_;
  Mutex mutex_;
  CondVar changed_;
  bool calm_ ABSL_GUARDED_BY(mutex_) = false;
  // On the monotonic clock.
  absl::Duration until_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
