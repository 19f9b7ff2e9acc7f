// A ServedCall is one unary call from before it arrives until it is answered.
// It owns itself: Await makes it wait for a call, and it deletes itself when
// gRPC has told its end.
//
// Thread safety: the polling thread runs its events; Answer runs anywhere.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "services/actor/actor.h"
#include "services/actor/context.h"
#include "services/host/raw_service.h"
#include "services/host/rpc_adapter.h"
#include "services/host/rpc_event.h"

namespace troupe {

class ServedCall {
 public:
  // Who answers in place of the lanes: one of them, or none.
  struct Beside {
    const InlineMethod* at_once = nullptr;
    const DeferredMethod* later = nullptr;
  };

  // Waits for one call of `method`, and after it for the next. All pointers
  // must live until the queue is shut down.
  static void Await(const RpcAdapter::Shared* shared, RawService* service,
                    const RawMethod* method, Beside beside);

 private:
  ServedCall(const RpcAdapter::Shared* shared, RawService* service,
             const RawMethod* method, Beside beside);

  void OnArrived(bool ok);
  void OnDone();
  void OnEvent();
  void Submit();
  void Defer();
  void Answer(absl::StatusOr<Reply> reply);
  void Finish(const grpc::ByteBuffer& bytes);
  void Fail(const absl::Status& status);

  const RpcAdapter::Shared* const shared_;
  RawService* const service_;
  const RawMethod* const method_;
  const Beside beside_;

  grpc::ServerContext context_;
  grpc::ByteBuffer request_;
  RawService::Responder responder_;
  const std::shared_ptr<CancelToken> token_;
  int events_left_ = 2;  // Done and finished, in any order.

  RpcEvent arrived_;
  RpcEvent done_;
  RpcEvent finished_;
};

}  // namespace troupe
