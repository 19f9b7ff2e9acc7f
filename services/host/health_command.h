// The subcommand `health`: asks a process whether it serves.
//
// Thread safety: any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace troupe {

// OK when the process at HOST:PORT answers SERVING within `timeout`; otherwise
// UNAVAILABLE with what it said.
absl::Status CheckHealth(const std::string& address, absl::Duration timeout);

}  // namespace troupe
