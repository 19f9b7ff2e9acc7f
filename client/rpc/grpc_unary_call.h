// One unary call of a GrpcStageClient. Keeps itself until it has ended.
//
// Thread safety: Start once; Cancel from any thread.
#pragma once

#include <functional>
#include <memory>

#include "client/rpc/rpc_thread.h"
#include "client/rpc/stage_client.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "services/host/rpc_event.h"

namespace troupe {

class GrpcUnaryCall : public OpenCall,
                      public RpcThread::Cancellable,
                      public std::enable_shared_from_this<GrpcUnaryCall> {
 public:
  GrpcUnaryCall(RpcThread* thread, std::function<void(UnaryReply)> done);

  // Sends. When the thread is stopping, `done` runs at once with CANCELLED.
  void Start(grpc::GenericStub& stub, UnaryCall call);
  void Cancel() override;

 private:
  void Finish();

  RpcThread* const thread_;
  std::function<void(UnaryReply)> done_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader_;
  std::shared_ptr<GrpcUnaryCall> self_;  // Until it has ended.
  RpcEvent finished_;
  grpc::ByteBuffer answer_;
  grpc::Status status_;
};

}  // namespace troupe
