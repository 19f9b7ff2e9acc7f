// A WatchCall is the Watch behind one server-streaming call.
//
// Thread safety: the polling thread runs its events; the rest from anywhere.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "grpcpp/alarm.h"
#include "grpcpp/server_context.h"
#include "services/actor/context.h"
#include "services/base/mutex.h"
#include "services/host/raw_service.h"
#include "services/host/rpc_adapter.h"
#include "services/host/rpc_event.h"
#include "services/host/watch.h"

namespace troupe {

class WatchCall : public Watch, public std::enable_shared_from_this<WatchCall> {
 public:
  // Waits for one call of `method`, and after it for the next. `begin`, where
  // not null, begins it on the polling thread in place of a lane. All pointers
  // must live until the queue is shut down.
  static void Await(const RpcAdapter::Shared* shared, RawService* service,
                    const RawMethod* method, const WatchMethod* begin);
  ~WatchCall() override;

  void Send(grpc::ByteBuffer message) override;
  void SendEvery(absl::Duration interval,
                 std::function<grpc::ByteBuffer()> make) override;
  void End(const absl::Status& status) override;
  bool ended() const override;

 private:
  WatchCall(const RpcAdapter::Shared* shared, RawService* service,
            const RawMethod* method, const WatchMethod* begin);

  void OnArrived(bool ok);
  void Submit();
  void OnWritten(bool ok);
  void OnAlarm(bool ok);
  void OnDone();
  void OnEvent();
  void SetAlarm() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Starts what is due: the next write, or the end.
  void Proceed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const RpcAdapter::Shared* const shared_;
  RawService* const service_;
  const RawMethod* const method_;
  const WatchMethod* const begin_;

  grpc::ServerContext context_;
  grpc::ByteBuffer request_;
  RawService::Writer writer_;
  grpc::Alarm alarm_;
  const std::shared_ptr<CancelToken> token_;
  RpcEvent arrived_;
  RpcEvent written_;
  RpcEvent alarmed_;
  RpcEvent done_;
  RpcEvent finished_;

  mutable Mutex mutex_;                           // Guards everything below.
  bool counted_ ABSL_GUARDED_BY(mutex_) = false;  // Among the open ones.
  std::optional<grpc::ByteBuffer> waiting_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  bool alarm_set_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration interval_ ABSL_GUARDED_BY(mutex_);
  std::function<grpc::ByteBuffer()> make_ ABSL_GUARDED_BY(mutex_);
  int events_left_ ABSL_GUARDED_BY(mutex_) = 2;  // Done, finished, and others.
  // Keeps the call alive until gRPC has told its end.
  std::shared_ptr<WatchCall> self_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
