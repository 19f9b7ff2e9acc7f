// A Clock tells the time. Code that measures or waits takes one in its
// constructor, so that tests can turn the hands (tests/testing/fake_clock.h).
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include "absl/time/time.h"

namespace troupe {

class Clock {
 public:
  virtual ~Clock() = default;

  // Time since an arbitrary point; never goes back. For durations and
  // deadlines.
  virtual absl::Duration Monotonic() const = 0;

  // Wall-clock time. For people only.
  virtual absl::Time Now() const = 0;

  // The system's clock. Lives for ever.
  static const Clock* Real();
};

}  // namespace troupe
