// A SuspectLedger knows which calls are open on which replica, in the order
// they were sent, and says of a replica's death which of them it may be blamed
// on.
//
// A lane of a replica handles its messages in order, one at a time. So of the
// calls that were open on a lane when the process died only the one sent first
// can have been at work; the others only waited and are never suspect. A
// handler that ran beyond its work limit was answered for and may still be at
// work: until a later call is handled there, a death is its doing.
//
// Thread safety: needs its owner's lock.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace troupe {

// Where a call was sent.
struct LaneOfReplica {
  std::string replica;
  std::string lane;
  auto operator<=>(const LaneOfReplica&) const = default;
};

class SuspectLedger {
 public:
  // `sending` rises from call to call.
  void Sent(const LaneOfReplica& where, int64_t sending);
  // It has ended otherwise than by a death.
  void Ended(const LaneOfReplica& where, int64_t sending);
  // It was handled, so that all that were sent before have left their handler.
  void Handled(const LaneOfReplica& where, int64_t sending);
  // It ran beyond its work limit. Its handler may go on.
  void Overran(const LaneOfReplica& where, int64_t sending);
  // It has ended by the replica's death. Returns whether it was the one at
  // work. All that are open then are of the same death, in whatever order their
  // ends are told.
  bool Died(const LaneOfReplica& where, int64_t sending);

 private:
  struct Lane {
    std::set<int64_t> open;
    // The last death: who was at work, and the last that was open.
    int64_t suspect = -1;
    int64_t last_open = -1;
    int64_t overran = -1;  // The last that ran too long, while it may go on.
  };
  using Lanes = std::map<LaneOfReplica, Lane>;
  void End(Lanes::iterator lane, int64_t sending);

  Lanes lanes_;
};

}  // namespace troupe
