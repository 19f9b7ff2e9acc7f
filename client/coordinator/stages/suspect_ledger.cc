#include "client/coordinator/stages/suspect_ledger.h"

#include <algorithm>

namespace troupe {

void SuspectLedger::Sent(const LaneOfReplica& where, int64_t sending) {
  lanes_[where].open.insert(sending);
}

void SuspectLedger::Ended(const LaneOfReplica& where, int64_t sending) {
  End(lanes_.try_emplace(where).first, sending);
}

void SuspectLedger::Handled(const LaneOfReplica& where, int64_t sending) {
  const auto lane = lanes_.try_emplace(where).first;
  if (sending > lane->second.overran) lane->second.overran = -1;
  End(lane, sending);
}

void SuspectLedger::Overran(const LaneOfReplica& where, int64_t sending) {
  const auto lane = lanes_.try_emplace(where).first;
  lane->second.overran = std::max(lane->second.overran, sending);
  End(lane, sending);
}

bool SuspectLedger::Died(const LaneOfReplica& where, int64_t sending) {
  const auto found = lanes_.try_emplace(where).first;
  Lane& lane = found->second;
  if (sending > lane.last_open && !lane.open.empty()) {
    lane.suspect = lane.overran >= 0 ? lane.overran : *lane.open.begin();
    lane.overran = -1;
    lane.last_open = *lane.open.rbegin();
  }
  const bool suspect = sending == lane.suspect;
  End(found, sending);
  return suspect;
}

void SuspectLedger::End(Lanes::iterator lane, int64_t sending) {
  lane->second.open.erase(sending);
  if (lane->second.open.empty() && lane->second.overran < 0) lanes_.erase(lane);
}

}  // namespace troupe
