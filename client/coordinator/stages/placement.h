// A Placement says how a call wants to be placed, and ChooseReplica finds the
// place.
//
// Thread safety: functions without state; the replicas need their owner's lock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/coordinator/stages/replica.h"

namespace troupe {

struct Placement {
  std::vector<std::string> avoided = {};  // Only where no other serves.
  std::vector<std::string> blocked = {};  // Never.
  std::string affinity = {};  // Equal ones go to one replica, and wait for it.
  int64_t bytes = 0;
  Lane lane = Lane::kBatch;
};

using Replicas = std::vector<std::shared_ptr<Replica>>;

// Those that serve; those that lag or are to be avoided only where there is no
// other.
Replicas ServingOf(const Replicas& replicas,
                   const std::vector<std::string>& avoided);

// The less loaded of two that serve and have a slot in the lane; null when
// there is none for this placement now. `random` gives numbers in [0, 1).
std::shared_ptr<Replica> ChooseReplica(const Replicas& replicas,
                                       const Placement& placement,
                                       absl::Duration now,
                                       const std::function<double()>& random);

}  // namespace troupe
