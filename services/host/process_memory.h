// How much memory this process has.
//
// Thread safety: any thread.
#pragma once

#include <cstdint>

namespace troupe {

// In RAM now, and at most since it started; 0 where /proc does not tell.
// Not by getrusage: what it calls the peak begins with that of the process that
// started this one.
int64_t ResidentBytes();
int64_t PeakResidentBytes();

}  // namespace troupe
