// An EventQueue brings what other threads have to say to a job's own thread, so
// that the job's logic needs no locks.
//
// Thread safety: Post from any thread; RunOne from the job's thread.
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "services/base/mutex.h"

namespace troupe {

class EventQueue {
 public:
  // Adds an event. Never blocks.
  void Post(std::function<void()> event) {
    MutexLock lock(&mutex_);
    events_.push_back(std::move(event));
    posted_.NotifyOne();
  }

  // Runs the oldest event on this thread; waits for one at most `timeout`.
  // Returns whether there was one.
  bool RunOne(absl::Duration timeout) {
    std::function<void()> event;
    {
      MutexLock lock(&mutex_);
      if (events_.empty()) posted_.WaitFor(&mutex_, timeout);
      if (events_.empty()) return false;
      event = std::move(events_.front());
      events_.pop_front();
    }
    event();
    return true;
  }

 private:
  Mutex mutex_;
  CondVar posted_;
  std::deque<std::function<void()>> events_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
