// A Host puts an actor on the network: its lanes, a gRPC server with the
// actor's services, control, health and reflection, and its orderly end.
//
//   Listen -> Start -> AwaitStop -> Drain -> Close
//
// Thread safety: Stop from any thread; the rest from the thread that made it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/server.h"
#include "services/actor/executor.h"
#include "services/actor/lane_set.h"
#include "services/base/mutex.h"
#include "services/host/control_service.h"
#include "services/host/deaf_watch.h"
#include "services/host/door.h"
#include "services/host/health.h"
#include "services/host/rpc_adapter.h"
#include "services/host/run_actor.h"

namespace troupe {

struct HostOptions {
  std::string service;  // The actor's name.
  std::string replica;  // This process among its like.
  std::string listen = "127.0.0.1";
  int port = 0;  // 0: any free one.
  int64_t mailbox_messages = 64;
  int64_t mailbox_bytes = int64_t{256} << 20;
  // What a Merge may carry, 64 MiB of partials, and its header.
  int64_t max_message_bytes = int64_t{68} << 20;
  absl::Duration drain_time = absl::Seconds(7);
  absl::Duration stuck_after = absl::Seconds(60);
  // Beyond a message's work limit.
  absl::Duration stuck_exit_after = absl::Seconds(10);
  // As RpcAdapter::Shared::max_silence.
  absl::Duration max_silence = absl::Minutes(10);
  bool reflection = false;
  // Connections at once; zero: what the limit of open files allows.
  Door::Limits connections;
  // Called from the thread that calls Stop, with the drain time, by the first
  // call and by each that hastens the end.
  std::function<void(absl::Duration)> on_stop;
};

class Host {
 public:
  Host(HostOptions options, HostedActor hosted);
  // Stops at once, where it was not closed, and waits for the handlers.
  ~Host();

  // Binds the address and answers: NOT_READY, health NOT_SERVING. UNAVAILABLE
  // (ADDRESS_IN_USE) when the address cannot be bound.
  absl::Status Listen();
  // The port that was bound.
  int port() const { return door_ == nullptr ? 0 : door_->port(); }

  // Starts the actor, and says SERVING. OnStart's error, or UNAVAILABLE
  // (DRAINING) when Stop came first.
  absl::Status Start();

  // Begins to stop: at once NOT_SERVING, and rejecting. Idempotent; what ends
  // sooner hastens it, kNow at once. Returns whether this call began it. Never
  // blocks.
  bool Stop(StopMode mode,
            std::optional<absl::Duration> drain_time = std::nullopt);

  // Waits until Stop was called.
  void AwaitStop();

  // Waits for the work that was accepted, in the drain time and a moment more.
  // Returns false when some still goes on, although it was told to end: a
  // handler, or what the provider works at. The process can only leave it
  // behind.
  bool Drain();
  // How much of the drain time is left; zero where it is over.
  absl::Duration drain_time_left() const;
  // Ends the server. Comes after Drain, or calls it.
  void Close();

 private:
  LaneSetOptions LanesFor(const HostOptions& options);
  // When the drain time ends; now, before Stop.
  absl::Duration drained_by() const;
  // Waits in steps until `over(step)`, or until `after` the drain time's end;
  // kHandlerGrace at least. A Stop that hastens is seen. Returns whether it is
  // over.
  bool AwaitDrained(absl::Duration after,
                    const std::function<bool(absl::Duration step)>& over);
  void OnOverdue(bool overdue);
  absl::Status RegisterServices(grpc::ServerBuilder& builder);

  const HostOptions options_;
  const HostedActor hosted_;
  // Before the lanes, whose supervisor uses them to the last.
  Health health_;
  mutable Mutex mutex_;
  CondVar stop_called_;
  // When draining ends, on the monotonic clock; none before Stop.
  std::optional<absl::Duration> drained_by_ ABSL_GUARDED_BY(mutex_);
  bool stop_told_ ABSL_GUARDED_BY(mutex_) = false;  // To on_stop, too.
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool overdue_ ABSL_GUARDED_BY(mutex_) = false;
  ThreadExecutor executor_;
  // Before the lanes, too: a handler may still run on its thread.
  RpcAdapter adapter_;
  LaneSet lanes_;
  ControlService control_;
  std::unique_ptr<Door> door_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<DeafWatch> deaf_watch_;
  std::optional<bool> drained_;  // What Drain came to.
};

}  // namespace troupe
