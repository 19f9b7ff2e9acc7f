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

// A Watchdog ends the process with exit code 3 when it has not been destroyed
// in time after it was armed.
//
// Thread safety: Arm from any thread.
class Watchdog {
 public:
  // `bite` is called in place of ending the process, where given.
  explicit Watchdog(std::function<void()> bite = nullptr);
  ~Watchdog();

  // Bites `delay` from now. Only the first call counts.
  void Arm(absl::Duration delay);

 private:
  void Watch(absl::Duration delay);

  const std::function<void()> bite_;
  Mutex mutex_;
  CondVar changed_;
  bool calm_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
