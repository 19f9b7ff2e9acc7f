// A message to a stage, and what came of it.
//
// Thread safety: as for a struct.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/rpc/table_bytes.h"

namespace troupe {

struct StageCall {
  std::string stage;   // "preprocessor"
  std::string method;  // "/troupe.v1.Stage/Process"
  std::string job;     // For fairness, cancelling and counting.
  // The request without its table, serialized. Sets `id.attempt` (in the
  // methods that have an id) to `attempt`, which counts from 1 and rises with
  // every sending, and `isolate` (where there is one). Called without locks,
  // from any thread, not concurrently. An error ends the call.
  std::function<absl::StatusOr<std::string>(int attempt, bool isolate)> header;
  TableBytes table;
  absl::Duration timeout = absl::Minutes(2);  // Of each attempt.
  std::string lane = "batch";
  absl::Duration work_limit;           // Zero: none.
  std::string trace;                   // A traceparent; empty: none.
  std::vector<std::string> artifacts;  // SHA-256 of those the request names.
  // Calls of equal affinity prefer the same replica and wait for it (splits of
  // one compressed file). Empty: any.
  std::string affinity;
  int64_t bytes = 0;  // What it weighs at the replica; 0: its table's size.
};

struct StageResult {
  absl::Status status;
  std::string header;  // The reply without its table, serialized.
  TableBytes table;
  std::string replica;  // The last one asked.
  int attempts = 0;     // Sendings.
};

}  // namespace troupe
