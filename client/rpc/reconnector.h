// A Reconnector decides whether a call is made again after its connection was
// lost, and tells about the loss.
//
// Thread safety: all methods may be called from any thread. What is told is
// told under a lock.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace troupe {

struct Reconnecting {
  // How long a lost connection is tried again.
  absl::Duration retry_for = absl::Seconds(60);
  // Called once for each loss, at once, and when there is an answer again.
  std::function<void(const absl::Status& why)> lost = nullptr;
  std::function<void()> found = nullptr;
};

class Reconnector {
 public:
  explicit Reconnector(Reconnecting how, const Clock& clock = *Clock::Real());

  // The peer has answered, be it with an error.
  void Answered();

  // After a call that ended with `error`: true when it is to be made again,
  // after a pause of 0.2 to 2 s, which this waits. That is so when the
  // connection was lost (UNAVAILABLE without another reason) or the peer ends
  // or begins (DRAINING, NOT_READY), it had answered before, and `retry_for`
  // has not passed.
  bool AgainAfter(const absl::Status& error);

 private:
  const Reconnecting how_;
  const Clock& clock_;
  Mutex mutex_;
  bool ever_answered_ ABSL_GUARDED_BY(mutex_) = false;
  bool lost_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration lost_since_ ABSL_GUARDED_BY(mutex_);
  absl::Duration pause_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
