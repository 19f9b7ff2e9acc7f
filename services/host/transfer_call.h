// A TransferCall is the call behind one FileTransfer: it reads, or writes, one
// message at a time, and hands each step to the lane of its method.
//
// A caller who brings, or takes, less than 64 KiB in the longest silence that a
// stream may keep is given up.
//
// Thread safety: the polling thread runs its events; End, and the answers of
// steps, come from anywhere.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/alarm.h"
#include "grpcpp/server_context.h"
#include "services/actor/context.h"
#include "services/base/mutex.h"
#include "services/host/file_transfer.h"
#include "services/host/open_stream.h"
#include "services/host/raw_service.h"
#include "services/host/rpc_adapter.h"
#include "services/host/rpc_event.h"

namespace troupe {

class TransferCall : public OpenStream,
                     public std::enable_shared_from_this<TransferCall> {
 public:
  // Waits for one call of `method`, and after it for the next. All pointers
  // must live until the queue is shut down.
  static void Await(const RpcAdapter::Shared* shared, RawService* service,
                    const RawMethod* method, const TransferMethod* begin);
  ~TransferCall() override;

  void End(const absl::Status& status) override;

 private:
  TransferCall(const RpcAdapter::Shared* shared, RawService* service,
               const RawMethod* method, const TransferMethod* begin);

  void OnArrived(bool ok);
  void OnRead(bool ok);
  void OnWritten(bool ok);
  void OnAlarm(bool ok);
  void OnDone();
  void OnEvent();
  void Submit(TransferStep::What what, grpc::ByteBuffer piece);
  void OnStep(TransferStep::What what, absl::StatusOr<Reply> reply);
  void BeginRead();
  void BeginWrite(const grpc::ByteBuffer& piece);
  void SetAlarm() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Finish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const RpcAdapter::Shared* const shared_;
  RawService* const service_;
  const RawMethod* const method_;
  const TransferMethod* const begin_;

  grpc::ServerContext context_;
  RawService::Stream stream_;
  grpc::ByteBuffer buffer_;  // gRPC's while it reads.
  grpc::Alarm alarm_;
  const std::shared_ptr<CancelToken> token_;
  CallInfo info_;
  RpcEvent arrived_;
  RpcEvent read_;
  RpcEvent written_;
  RpcEvent alarmed_;
  RpcEvent done_;
  RpcEvent finished_;

  Mutex mutex_;  // Guards everything below.
  std::shared_ptr<FileTransfer> transfer_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  bool counted_ ABSL_GUARDED_BY(mutex_) = false;  // Among the open ones.
  bool stepping_ ABSL_GUARDED_BY(mutex_) =
      false;  // It is not the caller's turn.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool alarm_set_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t moved_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // Since the last alarm.
  // Done, finished, reads, writes and alarms.
  int events_left_ ABSL_GUARDED_BY(mutex_) = 2;
  // Keeps the call alive until gRPC has told its end.
  std::shared_ptr<TransferCall> self_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
