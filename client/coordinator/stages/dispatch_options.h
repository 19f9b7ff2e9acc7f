// What a Dispatcher is made of and with, and what it counts.
//
// Thread safety: as for structs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "client/coordinator/stages/hedger.h"
#include "client/coordinator/state/artifact_store.h"
#include "client/rpc/timers.h"
#include "services/base/clock.h"

namespace troupe {

struct DispatcherOptions {
  int max_attempts = 4;  // Sendings that failed and were charged, at most.
  absl::Duration min_backoff = absl::Milliseconds(50);
  absl::Duration max_backoff = absl::Seconds(5);
  // So long after a connection fell silent it is decided whether the call or
  // the network is to blame: by then health knows of the other replicas.
  absl::Duration silence_wait = absl::Seconds(3);
  double retry_ratio = 0.1;
  double retries_per_minute = 10;
  absl::Duration put_timeout = absl::Minutes(5);
  // Of an isolated call, at least: it looks for guilty rows by halves.
  absl::Duration isolated_timeout = absl::Minutes(10);
  int64_t max_suspects = 64;  // Per job.
  HedgeOptions hedge = {};
  HedgeOptions online_hedge = {.least_age = absl::Milliseconds(100)};
};

// What a job has under way.
struct JobLoad {
  std::map<std::string, int64_t> in_flight;  // Sent, not answered; by stage.
  std::map<std::string, int64_t> waiting;    // Not sent; by stage.
  int64_t retries = 0;   // Attempts that failed, were charged and repeated.
  int64_t hedges = 0;    // Late calls that were sent to another replica too.
  int64_t suspects = 0;  // Times that a call was implicated, less acquittals.
};

struct DispatchEnvironment {
  const Clock* clock = nullptr;
  Timers* timers = nullptr;    // Backoff and answers.
  Timers* blocking = nullptr;  // Reads artifacts from disk.
  const ArtifactStore* artifacts = nullptr;
  std::function<double()> random;  // In [0, 1); from any thread.
};

}  // namespace troupe
