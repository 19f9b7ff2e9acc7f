// A ClientStreamCall is one client-streaming call: a single message to the
// actor, whose payload hands out the call's messages as the actor asks for
// them. So gRPC's flow control reaches back to the caller.
//
// Thread safety: the polling thread runs its events; Next belongs to the
// handler; the answer may come from anywhere, also while Next waits.
#pragma once

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "services/actor/actor.h"
#include "services/actor/context.h"
#include "services/base/mutex.h"
#include "services/host/raw_service.h"
#include "services/host/rpc_adapter.h"
#include "services/host/rpc_event.h"
#include "services/host/rpc_payload.h"

namespace troupe {

class ClientStreamCall : public MessageStream,
                         public std::enable_shared_from_this<ClientStreamCall> {
 public:
  // Waits for one call of `method`, and after it for the next. All pointers
  // must live until the queue is shut down.
  static void Await(const RpcAdapter::Shared* shared, RawService* service,
                    const RawMethod* method);

  absl::StatusOr<std::optional<grpc::ByteBuffer>> Next() override;

 private:
  ClientStreamCall(const RpcAdapter::Shared* shared, RawService* service,
                   const RawMethod* method);

  void OnArrived(bool ok);
  void OnRead(bool ok);
  void OnDone();
  void Submit();
  void Answer(absl::StatusOr<Reply> reply);
  void Finish(const absl::StatusOr<grpc::ByteBuffer>& bytes);
  void OnEvent();

  const RpcAdapter::Shared* const shared_;
  RawService* const service_;
  const RawMethod* const method_;

  grpc::ServerContext context_;
  RawService::Reader reader_;
  const std::shared_ptr<CancelToken> token_;
  RpcEvent arrived_;
  RpcEvent read_;
  RpcEvent done_;
  RpcEvent finished_;

  Mutex mutex_;  // Guards everything below.
  CondVar changed_;
  grpc::ByteBuffer buffer_;  // gRPC's while reading_.
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_ok_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // Answered, or the caller left.
  int events_left_ ABSL_GUARDED_BY(mutex_) = 2;  // Done, finished, and reads.
  // Keeps the call alive until gRPC has told its end.
  std::shared_ptr<ClientStreamCall> self_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
