// A PendingCall is one Dispatch until its answer: the call and what became of
// it so far.
//
// Thread safety: guarded by the dispatcher's lock, except what is const and
// `call.header`, which belongs to the one who sends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/coordinator/stage_call.h"
#include "client/rpc/stage_client.h"

namespace troupe {

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
  int sent = 0;                      // How often; the open attempt.
  int failures = 0;                  // In transport.
  int faults = 0;                    // Of handlers.
  int puts = 0;                      // Artifacts brought for it.
  std::vector<std::string> avoided;  // Where it failed.
  std::string replica;               // The last one asked.
  std::shared_ptr<OpenCall> open;
  // While StageClient::Call runs: on which thread. An answer on that thread
  // must wait until it is over.
  std::thread::id sender;
};

}  // namespace troupe
