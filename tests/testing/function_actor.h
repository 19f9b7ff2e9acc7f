// A FunctionActor does what a test tells it to.
#pragma once

#include <functional>
#include <utility>

#include "services/actor/actor.h"

namespace troupe {

class FunctionActor : public Actor {
 public:
  using Receive =
      std::function<absl::StatusOr<Reply>(Message&, const Context&)>;

  explicit FunctionActor(Receive receive = nullptr)
      : on_receive(std::move(receive)) {}

  absl::Status OnStart() override {
    return on_start ? on_start() : absl::OkStatus();
  }
  absl::StatusOr<Reply> OnReceive(Message& message,
                                  const Context& context) override {
    return on_receive ? on_receive(message, context) : Reply{};
  }
  void OnStop() override {
    if (on_stop) on_stop();
  }

  std::function<absl::Status()> on_start;
  Receive on_receive;
  std::function<void()> on_stop;
};

}  // namespace troupe
