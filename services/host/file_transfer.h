// A FileTransfer is what happens in one call that streams a file, either way:
// piece by piece, each a message of its own to the actor. So no thread waits
// for the caller, however slow, and of each call one piece is in memory.
//
// Thread safety: one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "services/actor/actor.h"

namespace troupe {

class FileTransfer {
 public:
  virtual ~FileTransfer() = default;

  // Takes the caller's next message; an error ends the call.
  virtual absl::Status Take(grpc::ByteBuffer& piece) = 0;

  // Called once the caller has sent his last message, and whenever he has taken
  // one: returns the next message for him, nullopt after the last one.
  virtual absl::StatusOr<std::optional<grpc::ByteBuffer>> Give() = 0;
};

// Begins one; on the polling thread, so it only makes the object.
using TransferMethod = std::function<std::unique_ptr<FileTransfer>()>;

// One step of a transfer, as a message carries it to a lane.
class TransferStep : public Payload {
 public:
  enum class What { kTake, kGive, kDrop };

  TransferStep(std::shared_ptr<FileTransfer> transfer, What what,
               grpc::ByteBuffer piece)
      : transfer_(std::move(transfer)), what_(what) {
    piece_.Swap(&piece);
  }

  // Does it. The reply of kGive has no payload after the last piece, those of
  // the others never have one. kDrop lets go of the transfer.
  absl::StatusOr<Reply> Run();

 private:
  std::shared_ptr<FileTransfer> transfer_;
  const What what_;
  grpc::ByteBuffer piece_;
};

// Runs the step that `message` is; nullopt where it is none. An actor with
// transfers calls it first in OnReceive.
std::optional<absl::StatusOr<Reply>> RunTransferStep(Message& message);

}  // namespace troupe
