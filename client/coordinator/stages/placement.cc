#include "client/coordinator/stages/placement.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/hash/hash.h"

namespace troupe {
namespace {

// The one of equal affinity, for as long as it serves (rendezvous hashing:
// others coming and going move few).
std::shared_ptr<Replica> Favourite(const Replicas& replicas,
                                   const std::string& affinity) {
  const auto weight = [&](const std::shared_ptr<Replica>& replica) {
    return absl::HashOf(affinity, replica->address);
  };
  return *std::max_element(
      replicas.begin(), replicas.end(),
      [&](const auto& a, const auto& b) { return weight(a) < weight(b); });
}

std::shared_ptr<Replica> LessLoadedOfTwo(
    const Replicas& replicas, Lane lane,
    const std::function<double()>& random) {
  if (replicas.size() == 1) return replicas[0];
  const auto draw = [&](size_t below) {
    const auto drawn =
        static_cast<size_t>(random() * static_cast<double>(below));
    return std::min(drawn, below - 1);
  };
  const size_t first = draw(replicas.size());
  size_t second = draw(replicas.size() - 1);
  if (second >= first) ++second;
  return replicas[second]->load(lane) < replicas[first]->load(lane)
             ? replicas[second]
             : replicas[first];
}

}  // namespace

Replicas ServingOf(const Replicas& replicas,
                   const std::vector<std::string>& avoided) {
  Replicas serving;
  Replicas liked;
  for (const auto& replica : replicas) {
    if (!replica->serving()) continue;
    serving.push_back(replica);
    if (!replica->lagging() &&
        !absl::c_linear_search(avoided, replica->address))
      liked.push_back(replica);
  }
  return liked.empty() ? serving : liked;
}

std::shared_ptr<Replica> ChooseReplica(const Replicas& replicas,
                                       const Placement& placement,
                                       absl::Duration now,
                                       const std::function<double()>& random) {
  // The usual case, without the lists: every message comes by here.
  if (replicas.size() == 1) {
    const auto& only = replicas[0];
    const bool free = only->serving() &&
                      only->HasSlot(placement.lane, placement.bytes, now) &&
                      !absl::c_linear_search(placement.blocked, only->address);
    return free ? only : nullptr;
  }
  Replicas wanted = ServingOf(replicas, placement.avoided);
  if (wanted.empty()) return nullptr;
  if (!placement.affinity.empty())
    wanted = {Favourite(wanted, placement.affinity)};
  Replicas free;
  for (const auto& replica : wanted)
    if (!absl::c_linear_search(placement.blocked, replica->address) &&
        replica->HasSlot(placement.lane, placement.bytes, now))
      free.push_back(replica);
  return free.empty() ? nullptr : LessLoadedOfTwo(free, placement.lane, random);
}

}  // namespace troupe
