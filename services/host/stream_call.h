// A StreamCall is one call whose messages are a stream, and whose answer may be
// one, too: a single message to the actor, whose payload hands out the call's
// messages as the actor asks for them, and takes those of the answer one by
// one. So gRPC's flow control reaches from one end to the other.
//
// Thread safety: the polling thread runs its events; Next, Write and Offer
// belong to the handler; the last answer may come from anywhere, also while one
// of these waits. It is sent when the message before it is.
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

class StreamCall : public CallStreams,
                   public std::enable_shared_from_this<StreamCall> {
 public:
  // Waits for one call of `method`, and after it for the next. All pointers
  // must live until the queue is shut down.
  static void Await(const RpcAdapter::Shared* shared, RawService* service,
                    const RawMethod* method);

  absl::StatusOr<std::optional<grpc::ByteBuffer>> Next() override;
  absl::Status Write(const grpc::ByteBuffer& message) override;
  void Offer(const grpc::ByteBuffer& message) override;

 private:
  StreamCall(const RpcAdapter::Shared* shared, RawService* service,
             const RawMethod* method);

  void OnArrived(bool ok);
  void OnRead(bool ok);
  void OnWritten(bool ok);
  void OnDone();
  void Submit();
  void Answer(absl::StatusOr<Reply> reply);
  void Finish(absl::StatusOr<grpc::ByteBuffer> bytes);
  void OnEvent();
  void BeginWrite(const grpc::ByteBuffer& message)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits until gRPC has taken what is being written.
  absl::Status AwaitWritten() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SendAnswer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const RpcAdapter::Shared* const shared_;
  RawService* const service_;
  const RawMethod* const method_;

  grpc::ServerContext context_;
  RawService::Stream stream_;
  const std::shared_ptr<CancelToken> token_;
  RpcEvent arrived_;
  RpcEvent read_;
  RpcEvent written_;
  RpcEvent done_;
  RpcEvent finished_;

  Mutex mutex_;  // Guards everything below.
  CondVar changed_;
  grpc::ByteBuffer buffer_;  // gRPC's while reading_.
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_ok_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool write_ok_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // Answered, or the caller left.
  // What ends the call; waits for the end of a write.
  std::optional<absl::StatusOr<grpc::ByteBuffer>> answer_
      ABSL_GUARDED_BY(mutex_);
  // Done, finished, and reads and writes.
  int events_left_ ABSL_GUARDED_BY(mutex_) = 2;
  // Keeps the call alive until gRPC has told its end.
  std::shared_ptr<StreamCall> self_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
