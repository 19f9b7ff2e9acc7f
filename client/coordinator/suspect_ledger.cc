#include "client/coordinator/suspect_ledger.h"

namespace troupe {

void SuspectLedger::Sent(const LaneOfReplica& where, int64_t sending) {
  lanes_[where].open.insert(sending);
}

void SuspectLedger::Ended(const LaneOfReplica& where, int64_t sending) {
  lanes_[where].open.erase(sending);
  DropIfOver(where);
}

bool SuspectLedger::Died(const LaneOfReplica& where, int64_t sending) {
  Lane& lane = lanes_[where];
  if (sending > lane.last_open && !lane.open.empty()) {
    lane.suspect = *lane.open.begin();
    lane.last_open = *lane.open.rbegin();
  }
  const bool suspect = sending == lane.suspect;
  lane.open.erase(sending);
  DropIfOver(where);
  return suspect;
}

void SuspectLedger::DropIfOver(const LaneOfReplica& where) {
  const auto lane = lanes_.find(where);
  if (lane != lanes_.end() && lane->second.open.empty()) lanes_.erase(lane);
}

}  // namespace troupe
