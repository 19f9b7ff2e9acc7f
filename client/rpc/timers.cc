#include "client/rpc/timers.h"

#include <utility>

namespace troupe {

TimerThread::TimerThread(const Clock* clock)
    : clock_(clock), thread_([this] { Loop(); }) {}

TimerThread::~TimerThread() { Stop(); }

void TimerThread::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void TimerThread::After(absl::Duration delay, std::function<void()> task) {
  const absl::Duration due = clock_->Monotonic() + delay;
  MutexLock lock(&mutex_);
  if (stopping_) return;
  const auto added = tasks_.emplace(due, std::move(task));
  if (added == tasks_.begin()) changed_.NotifyAll();
}

void TimerThread::Loop() {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(&mutex_);
      while (!stopping_) {
        if (tasks_.empty()) {
          changed_.Wait(&mutex_);
          continue;
        }
        const absl::Duration wait = tasks_.begin()->first - clock_->Monotonic();
        if (wait <= absl::ZeroDuration()) break;
        changed_.WaitFor(&mutex_, wait);
      }
      if (stopping_) return;
      task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
    }
    task();
  }
}

}  // namespace troupe
