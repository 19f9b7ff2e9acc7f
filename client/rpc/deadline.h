// Deadlines of calls, on the clock that nobody sets.
//
// Thread safety: a function without state.
#pragma once

#include "absl/time/time.h"
#include "grpc/support/time.h"

namespace troupe {

// `timeout` from now, for grpc::ClientContext::set_deadline. A deadline on the
// wall clock would pass at once when that clock is set ahead.
inline gpr_timespec DeadlineIn(absl::Duration timeout) {
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_nanos(absl::ToInt64Nanoseconds(timeout), GPR_TIMESPAN));
}

}  // namespace troupe
