#include "services/host/file_transfer.h"

#include "services/base/status_macros.h"
#include "services/host/rpc_payload.h"

namespace troupe {

absl::StatusOr<Reply> TransferStep::Run() {
  if (what_ == What::kDrop) {
    transfer_.reset();
    return Reply{};
  }
  if (what_ == What::kTake) {
    RETURN_IF_ERROR(transfer_->Take(piece_));
    return Reply{};
  }
  ASSIGN_OR_RETURN(std::optional<grpc::ByteBuffer> piece, transfer_->Give());
  Reply reply;
  if (piece.has_value())
    reply.payload = std::make_unique<RpcPayload>(*std::move(piece));
  return reply;
}

std::optional<absl::StatusOr<Reply>> RunTransferStep(Message& message) {
  auto* const step = dynamic_cast<TransferStep*>(message.payload.get());
  if (step == nullptr) return std::nullopt;
  return step->Run();
}

}  // namespace troupe
