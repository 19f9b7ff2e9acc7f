// An RpcEvent is what a CompletionQueue hands back: a member of the call that
// waits for it, and what the call does then.
//
// Thread safety: the polling thread calls Happen, and nobody else.
#pragma once

#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"

namespace troupe {

class RpcEvent {
 public:
  // `on_event` gets gRPC's `ok`.
  explicit RpcEvent(std::function<void(bool ok)> on_event)
      : on_event_(std::move(on_event)) {}
  RpcEvent(const RpcEvent&) = delete;
  RpcEvent& operator=(const RpcEvent&) = delete;

  void Happen(bool ok) { on_event_(ok); }

 private:
  const std::function<void(bool ok)> on_event_;
};

// Lets `event` happen in `delay`, or, with ok = false, when `alarm` is
// cancelled. Not on the wall clock, which may be set.
inline void SetAlarmIn(absl::Duration delay, grpc::CompletionQueue* queue,
                       grpc::Alarm* alarm, RpcEvent* event) {
  alarm->Set(queue,
             gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                          gpr_time_from_nanos(absl::ToInt64Nanoseconds(delay),
                                              GPR_TIMESPAN)),
             event);
}

}  // namespace troupe
