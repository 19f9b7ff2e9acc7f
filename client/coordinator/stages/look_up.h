// A LookUp asks a Resolver, on a thread that may hang in it for as long as a
// name server is silent, and tells what it found on another one. When it is
// gone, nothing is told any more, and neither thread's timers are touched, so
// that nobody has to wait for a look-up that hangs.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/coordinator/stages/resolver.h"
#include "client/rpc/timers.h"
#include "services/base/mutex.h"

namespace troupe {

using Addresses = std::vector<std::string>;

class LookUp {
 public:
  // `asking` and `telling` must live as long as this object; a task of `asking`
  // may go on longer.
  LookUp(std::unique_ptr<Resolver> resolver, Timers* asking, Timers* telling);
  ~LookUp();

  // Asks, `delay` from now; then `told` runs on the thread of `telling`, unless
  // this object has gone.
  void After(absl::Duration delay,
             std::function<void(const absl::StatusOr<Addresses>&)> told);

  // As the resolver's.
  absl::Duration interval() const { return interval_; }

 private:
  // Shared with the task that hangs.
  struct Desk {
    std::unique_ptr<Resolver> resolver;  // Used by tasks of `asking` alone.
    Mutex mutex;
    Timers* telling ABSL_GUARDED_BY(mutex) = nullptr;  // Null once it is over.
  };

  Timers* const asking_;
  const absl::Duration interval_;
  const std::shared_ptr<Desk> desk_;
};

}  // namespace troupe
