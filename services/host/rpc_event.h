// An RpcEvent is what a CompletionQueue hands back: a member of the call that
// waits for it, and what the call does then.
//
// Thread safety: the polling thread calls Happen, and nobody else.
#pragma once

#include <functional>
#include <utility>

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

}  // namespace troupe
