#include "services/host/shutdown.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "services/base/clock.h"

namespace troupe {

SignalWatcher::SignalWatcher(std::function<void(int, int)> on_signal)
    : on_signal_(std::move(on_signal)) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Watch(); });
}

SignalWatcher::~SignalWatcher() {
  eventfd_write(wake_, 1);
  thread_.join();
  close(fd_);
  close(wake_);
}

void SignalWatcher::Watch() {
  for (int before = 0;; ++before) {
    pollfd fds[] = {{fd_, POLLIN, 0}, {wake_, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0) {
    }
    if (fds[1].revents != 0) return;
    signalfd_siginfo got;
    if (read(fd_, &got, sizeof(got)) != sizeof(got)) continue;
    on_signal_(static_cast<int>(got.ssi_signo), before);
  }
}

Watchdog::Watchdog(std::function<void()> bite) : bite_(std::move(bite)) {}

Watchdog::~Watchdog() {
  Calm();
  std::thread thread;
  {
    MutexLock lock(&mutex_);
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
}

void Watchdog::Calm() {
  MutexLock lock(&mutex_);
  calm_ = true;
  changed_.NotifyAll();
}

void Watchdog::Arm(absl::Duration delay) {
  MutexLock lock(&mutex_);
  if (calm_) return;
  until_ = std::min(until_, Clock::Real()->Monotonic() + delay);
  changed_.NotifyAll();
  if (!thread_.joinable()) thread_ = std::thread([this] { Watch(); });
}

void Watchdog::Watch() {
  {
    MutexLock lock(&mutex_);
    while (!calm_) {
      const absl::Duration left = until_ - Clock::Real()->Monotonic();
      if (left <= absl::ZeroDuration()) break;
      changed_.WaitFor(&mutex_, left);
    }
    if (calm_) return;
  }
  bite_();
}

}  // namespace troupe
