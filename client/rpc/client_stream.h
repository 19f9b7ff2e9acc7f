// A ClientStream is one call with many messages out, and one or many in, on the
// RpcThread, where each step tells when it is done.
//
// Thread safety: one step at a time; the next may begin in the callback of the
// one before. Cancel from any thread. Callbacks run on the RpcThread and must
// not block.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/rpc/rpc_thread.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "services/host/rpc_event.h"

namespace troupe {

class ClientStream : public RpcThread::Cancellable,
                     public std::enable_shared_from_this<ClientStream> {
 public:
  ClientStream(RpcThread* thread, absl::Duration timeout);

  // Begins the call. The first step. `ok` tells of this and of Write whether
  // one may go on; otherwise End tells why not.
  void Start(grpc::GenericStub& stub, const std::string& method,
             std::function<void(bool ok)> done);
  void Write(const grpc::ByteBuffer& message,
             std::function<void(bool ok)> done);
  // Says that no more is written. What follows: Read until not `ok`, and
  // Finish.
  void CloseWrites(std::function<void(bool ok)> done);
  // Waits for the next message of the answer; not `ok` after the last one.
  // `message` must live until then.
  void Read(grpc::ByteBuffer* message, std::function<void(bool ok)> done);
  // The last step, always needed after Start: waits for the status. There must
  // be nothing left to read.
  void Finish(std::function<void(absl::Status)> done);
  // These three in one, for an answer of one message that nobody looks at.
  void End(std::function<void(absl::Status)> done);

  void Cancel() override;

 private:
  void Await(std::function<void(bool ok)> step);

  RpcThread* const thread_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  std::function<void(bool ok)> step_;
  std::shared_ptr<ClientStream> self_;  // While a step is under way.
  RpcEvent event_;
  grpc::ByteBuffer answer_;
  grpc::Status status_;
};

}  // namespace troupe
