// The StageNetwork is everything a coordinator needs to reach its stages, put
// together: threads, channels, replica sets and the dispatcher. Made once, in
// the process's start.
//
// Thread safety: dispatcher() from any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/coordinator/stages/dispatcher.h"
#include "client/rpc/rpc_thread.h"
#include "client/rpc/timers.h"

namespace troupe {

class StageNetwork {
 public:
  // `stages` are NAME=TARGET in pipeline order (client/coordinator/resolver.h
  // tells what targets there are). INVALID_ARGUMENT (BAD_TARGET) when one is
  // neither. `artifacts` must outlive this object.
  static absl::StatusOr<std::unique_ptr<StageNetwork>> Open(
      const std::vector<std::string>& stages, const ArtifactStore* artifacts,
      const DispatcherOptions& options = {}, const ReplicaLimits& limits = {});

  // Cancels what is open. Fit sessions must be gone before. A look-up that
  // hangs is left behind.
  ~StageNetwork();

  Dispatcher* dispatcher() { return dispatcher_.get(); }

 private:
  StageNetwork(const DispatcherOptions& options,
               const ArtifactStore* artifacts);
  absl::Status AddStage(const std::string& stage, const ReplicaLimits& limits);

  TimerThread timers_;
  TimerThread blocking_;
  // One per stage: a look-up that hangs must not hold up the others.
  std::vector<std::unique_ptr<TimerThread>> resolving_;
  std::unique_ptr<RpcThread> rpc_;
  std::unique_ptr<Dispatcher> dispatcher_;
};

}  // namespace troupe
