#include "client/rpc/timers.h"

#include <utility>

namespace troupe {

TimerThread::TimerThread(const Clock* clock)
    : hands_(std::make_shared<Hands>(clock)),
      thread_([hands = hands_] { hands->Turn(); }) {}

TimerThread::~TimerThread() { Stop(); }

void TimerThread::Stop() {
  hands_->Stop();
  if (thread_.joinable()) thread_.join();
}

void TimerThread::Leave() {
  hands_->Stop();
  if (thread_.joinable()) thread_.detach();
}

void TimerThread::After(absl::Duration delay, std::function<void()> task) {
  const absl::Duration due = hands_->clock->Monotonic() + delay;
  MutexLock lock(&hands_->mutex);
  if (hands_->stopping) return;
  const auto added = hands_->tasks.emplace(due, std::move(task));
  if (added == hands_->tasks.begin()) hands_->changed.NotifyAll();
}

void TimerThread::Hands::Stop() {
  std::multimap<absl::Duration, std::function<void()>> never;
  MutexLock lock(&mutex);
  stopping = true;
  never.swap(tasks);  // Freed without the lock, on this thread.
  changed.NotifyAll();
}

void TimerThread::Hands::Turn() {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(&mutex);
      while (!stopping) {
        if (tasks.empty()) {
          changed.Wait(&mutex);
          continue;
        }
        const absl::Duration wait = tasks.begin()->first - clock->Monotonic();
        if (wait <= absl::ZeroDuration()) break;
        changed.WaitFor(&mutex, wait);
      }
      if (stopping) return;
      task = std::move(tasks.begin()->second);
      tasks.erase(tasks.begin());
    }
    task();
  }
}

}  // namespace troupe
