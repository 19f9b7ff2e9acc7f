// A PendingCall is one Dispatch until its answer: the call, what became of it
// so far, and its Sendings that are under way: one, or two while it is hedged.
//
// Thread safety: guarded by the dispatcher's lock, except what is const and
// `call.header`, which belongs to the one who sends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/coordinator/stages/death_count.h"
#include "client/coordinator/stages/replica.h"
#include "client/coordinator/stages/stage_call.h"
#include "client/coordinator/stages/suspect_ledger.h"
#include "client/rpc/stage_client.h"

namespace troupe {

// One sending of a call to one replica.
struct Sending {
  std::shared_ptr<Replica> replica;
  LaneOfReplica where;
  int attempt = 0;
  int64_t number = 0;         // By time, over all sendings.
  int64_t failed_checks = 0;  // The replica's, before it was sent.
  bool isolated = false;
  bool hedge = false;
  bool beaten = false;   // A hedge of it was quicker.
  absl::Duration since;  // On the monotonic clock.
  // The id it went out with, serialized; belongs to the one who sends until it
  // is sent.
  std::optional<std::string> id;
  std::shared_ptr<OpenCall> open;
  // While StageClient::Call runs: on which thread. An answer on that thread
  // must wait until it is over.
  std::thread::id sender;
};

struct PendingCall {
  enum class State {
    kQueued,   // Waits for a slot.
    kWaiting,  // For its backoff or an artifact.
    kOpen,     // Sent.
    kDone,     // Answered.
  };

  StageCall call;
  std::function<void(StageResult)> done;
  int64_t sequence = 0;  // By age, over all calls.

  State state = State::kQueued;
  std::vector<std::shared_ptr<Sending>> open;  // In kOpen, at least one.
  int sent = 0;                                // How often; the last attempt.
  int failures = 0;                            // Attempts charged.
  int faults = 0;                              // Of handlers.
  int cut_off = 0;                             // By servers that ended.
  int puts = 0;                                // Artifacts brought for it.
  DeathCount deaths;                           // Of it, at work.
  bool isolate = false;                        // From now on.
  std::vector<std::string> avoided;            // Where it failed.
  std::string replica;                         // The last one asked.
};

}  // namespace troupe
