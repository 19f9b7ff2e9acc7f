// An ArtifactCourier brings artifacts from the store to replicas that lack
// them: one at a time per replica and artifact, however many ask. What goes to
// several replicas is in memory once.
//
// Thread safety: all methods may be called from any thread; none blocks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/coordinator/state/artifact_store.h"
#include "client/rpc/stage_client.h"
#include "client/rpc/timers.h"
#include "services/base/mutex.h"

namespace troupe {

class ArtifactCourier : public std::enable_shared_from_this<ArtifactCourier> {
 public:
  // Reads from `store` in tasks of `blocking`. Both outlive this object.
  ArtifactCourier(const ArtifactStore* store, Timers* blocking,
                  absl::Duration timeout);

  // Puts the artifact there; `done` runs once, without locks, never within
  // this call.
  void Bring(const std::shared_ptr<StageClient>& client,
             const std::string& sha256, std::function<void(absl::Status)> done);

  // Whether anything is on its way.
  bool busy() const {
    MutexLock lock(&mutex_);
    return !errands_.empty();
  }

  // The addresses to which one of `artifacts` is on its way: a call that needs
  // it had better wait.
  std::vector<std::string> Underway(
      const std::vector<std::string>& artifacts) const;

 private:
  using Errand = std::pair<std::string, std::string>;  // Digest, address.

  void ReadAndPut(const std::shared_ptr<StageClient>& client,
                  const Errand& errand);
  absl::StatusOr<std::shared_ptr<const std::string>> ContentOf(
      const std::string& sha256);
  void Finish(const Errand& errand, const absl::Status& status);

  const ArtifactStore* const store_;
  Timers* const blocking_;
  const absl::Duration timeout_;
  mutable Mutex mutex_;
  std::map<Errand, std::vector<std::function<void(absl::Status)>>> errands_
      ABSL_GUARDED_BY(mutex_);
  // By digest; what no errand holds any more is gone.
  std::map<std::string, std::weak_ptr<const std::string>> contents_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
