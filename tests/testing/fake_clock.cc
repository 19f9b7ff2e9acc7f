#include "tests/testing/fake_clock.h"

namespace troupe {

absl::Duration FakeClock::Monotonic() const {
  MutexLock lock(&mutex_);
  return absl::Hours(1) + advanced_;
}

absl::Time FakeClock::Now() const {
  MutexLock lock(&mutex_);
  return absl::FromUnixSeconds(1767225600) + advanced_;
}

void FakeClock::Advance(absl::Duration by) {
  MutexLock lock(&mutex_);
  advanced_ += by;
}

}  // namespace troupe
