// A LeavingCaller is a token that is cancelled between one look at it and the
// next.
//
// Thread safety: any thread.
#pragma once

#include <atomic>
#include <memory>

#include "services/actor/context.h"

namespace troupe {

class LeavingCaller : public CancelToken {
 public:
  // Not cancelled at the first `patience` looks, and ever after.
  explicit LeavingCaller(int patience) : patience_(patience) {}

  bool cancelled() const override { return looks_.fetch_add(1) >= patience_; }

 private:
  const int patience_;
  mutable std::atomic<int> looks_{0};
};

inline Context ContextOfCallerLeavingAfter(int looks) {
  return Context({}, std::make_shared<LeavingCaller>(looks));
}

}  // namespace troupe
