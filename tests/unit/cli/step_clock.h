// A clock that the test moves.
#pragma once

#include "services/base/clock.h"

namespace troupe {

class StepClock : public Clock {
 public:
  absl::Duration now = absl::Hours(1);

  absl::Duration Monotonic() const override { return now; }
  absl::Time Now() const override { return absl::UnixEpoch() + now; }
};

}  // namespace troupe
