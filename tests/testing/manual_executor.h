// A ManualExecutor runs nothing: the test takes every step itself, with
// LaneSet::Step and LaneSet::Tick.
#pragma once

#include <functional>

#include "services/actor/executor.h"

namespace troupe {

class ManualExecutor : public Executor {
 public:
  void Start(std::function<void()>) override {}
  void Join() override {}
};

}  // namespace troupe
