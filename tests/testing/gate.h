// A Gate holds threads up until a test opens it.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include "absl/time/time.h"
#include "services/base/latch.h"

namespace troupe {

class Gate {
 public:
  void Open() { latch_.CountDown(); }

  // Returns false when it is still shut after `timeout`.
  bool Wait(absl::Duration timeout = absl::Seconds(30)) {
    return latch_.Wait(timeout);
  }

 private:
  Latch latch_;
};

}  // namespace troupe
