#include "client/coordinator/suspect_ledger.h"

#include <algorithm>

namespace troupe {

void SuspectLedger::Sent(const LaneOfReplica& where, int64_t sending) {
  lanes_[where].open.insert(sending);
}

void SuspectLedger::Ended(const LaneOfReplica& where, int64_t sending) {
  lanes_[where].open.erase(sending);
  DropIfOver(where);
}

void SuspectLedger::Handled(const LaneOfReplica& where, int64_t sending) {
  Lane& lane = lanes_[where];
  if (sending > lane.overran) lane.overran = -1;
  Ended(where, sending);
}

void SuspectLedger::Overran(const LaneOfReplica& where, int64_t sending) {
  Lane& lane = lanes_[where];
  lane.overran = std::max(lane.overran, sending);
  Ended(where, sending);
}

bool SuspectLedger::Died(const LaneOfReplica& where, int64_t sending) {
  Lane& lane = lanes_[where];
  if (sending > lane.last_open && !lane.open.empty()) {
    lane.suspect = lane.overran >= 0 ? lane.overran : *lane.open.begin();
    lane.overran = -1;
    lane.last_open = *lane.open.rbegin();
  }
  const bool suspect = sending == lane.suspect;
  lane.open.erase(sending);
  DropIfOver(where);
  return suspect;
}

void SuspectLedger::DropIfOver(const LaneOfReplica& where) {
  const auto lane = lanes_.find(where);
  if (lane != lanes_.end() && lane->second.open.empty() &&
      lane->second.overran < 0)
    lanes_.erase(lane);
}

}  // namespace troupe
