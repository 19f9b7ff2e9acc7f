// An Actor is what users write: it receives one message at a time, and answers.
//
// Thread safety: each lane of a process calls OnReceive from its own thread,
// one message at a time per lane. What lanes share must be immutable or locked.
// OnStart runs before the first message, OnStop after the last, each once, on
// the thread that starts and stops the lanes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/actor/context.h"

namespace troupe {

// What a message or a reply carries. The network's form is RpcPayload
// (services/host/rpc_payload.h); tests use their own.
class Payload {
 public:
  virtual ~Payload() = default;
};

struct Message {
  std::string method;  // Full name: "troupe.v1.Stage/Process".
  std::unique_ptr<Payload> payload;
  int64_t bytes = 0;  // Size on the wire; counts against the mailbox's bytes.
};

struct Reply {
  std::unique_ptr<Payload> payload;
  int64_t rows = 0;  // Rows of tables handled, for the stats.
};

class Actor {
 public:
  virtual ~Actor() = default;

  // Prepares; an error ends the process with a plain message.
  virtual absl::Status OnStart() { return absl::OkStatus(); }

  // Handles one message. An error is that message's answer; the actor lives on.
  // An exception becomes INTERNAL (HANDLER_FAILED). Long work looks at
  // context.cancelled() now and then.
  virtual absl::StatusOr<Reply> OnReceive(Message& message,
                                          const Context& context) = 0;

  // Releases what OnStart acquired. Not called when OnStart failed.
  virtual void OnStop() {}
};

}  // namespace troupe
