// A Gate holds threads up until a test opens it.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include "absl/time/time.h"
#include "services/base/mutex.h"

namespace troupe {

class Gate {
 public:
  void Open() {
    MutexLock lock(&mutex_);
    open_ = true;
    changed_.NotifyAll();
  }

  // Returns false when it is still shut after `timeout`.
  bool Wait(absl::Duration timeout = absl::Seconds(30)) {
    MutexLock lock(&mutex_);
    while (!open_)
      if (!changed_.WaitFor(&mutex_, timeout)) return open_;
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace troupe
