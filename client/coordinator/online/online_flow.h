// An OnlineFlow takes rows of JSON Lines through the hops of a version, in the
// lane `online`: Load, then Process at each hop, the last of which answers them
// as lines. Small enough for one message at every hop, they go in one piece.
//
// Thread safety: what runs it are the dispatcher's callbacks, one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/coordinator/online/online_version.h"
#include "client/coordinator/stages/stage_calls.h"
#include "services/base/clock.h"
#include "services/table/rejected_rows.h"

namespace troupe {

// What flows work with. All of it outlives them.
struct OnlineEnvironment {
  StageCalls* calls = nullptr;
  const Clock* clock = nullptr;
  int64_t epoch = 0;
  absl::Duration call_timeout = absl::Minutes(5);
  absl::Duration work_limit = absl::Minutes(2);
};

// The rows of one flow.
struct OnlineRows {
  std::string job;              // Names it at the dispatcher.
  std::string text;             // JSON Lines, each with its end.
  std::vector<int64_t> groups;  // Rows that came together, in order.
  absl::Duration deadline;      // On the monotonic clock.
};

// What came of them.
struct OnlineResult {
  std::string lines;      // Of those that were not rejected, in order.
  RejectedRows rejected;  // By their number among the rows, from 0; rising.
};

// `done` runs once, on a thread of the dispatcher.
void StartOnlineFlow(const OnlineEnvironment& environment,
                     std::shared_ptr<const OnlineVersion> version,
                     OnlineRows rows,
                     std::function<void(absl::StatusOr<OnlineResult>)> done);

}  // namespace troupe
