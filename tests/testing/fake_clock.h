// A FakeClock stands still until a test turns its hands.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include "absl/time/time.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace troupe {

class FakeClock : public Clock {
 public:
  absl::Duration Monotonic() const override;
  // 2026-01-01T00:00:00Z plus what was advanced.
  absl::Time Now() const override;

  void Advance(absl::Duration by);

 private:
  mutable Mutex mutex_;
  absl::Duration advanced_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
