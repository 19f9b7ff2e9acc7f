// A LaneCredit is how many calls one lane of a replica may have at once. Each
// lane has its own: what waits for seconds in one takes no place in the other.
//
// It begins at 2, grows by one per creditful of answers as far as the mailbox
// has room, and is halved when the mailbox was full; it is at least 1.
//
// Thread safety: belongs to its Replica.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace troupe {

// The lanes that carry unary calls (actor.proto).
enum class Lane { kBatch, kOnline };

// The lane that a call's metadata names.
inline Lane LaneOf(absl::string_view name) {
  return name == "online" ? Lane::kOnline : Lane::kBatch;
}

struct ReplicaLimits {
  int max_credit = 4;  // Calls at once; more would only wait there,
  // except that a quick replica may have as many as it answers in `ahead`, up
  // to `max_quick_credit`: few at a time would make both sides sleep and wake
  // up again for each. For the same reason it gets more only when it has
  // answered half of them.
  int max_quick_credit = 64;
  absl::Duration ahead = absl::Milliseconds(4);
  int64_t max_bytes = int64_t{128} << 20;  // Likewise; one call always may.
};

// What a call's end says about its replica.
struct CallEnd {
  enum class Kind {
    kAnswered,     // Also with an error of its own.
    kSilent,       // Timed out; health will tell.
    kFull,         // MAILBOX_FULL: halve its credit, pause it for `pause`.
    kUnreachable,  // Gone: not serving until health says so again.
    kLeaving,      // The same, and it said so: its end is in order.
    // Another replica was asked later and answered first: halve its credit,
    // and give it nothing until it answers a health check.
    kBeaten,
  };
  Kind kind = Kind::kAnswered;
  Lane lane = Lane::kBatch;             // As in the Placement,
  int64_t bytes = 0;                    // and this.
  std::optional<int64_t> mailbox_room;  // The reply's `credit`.
  int64_t rows = 0;
  absl::Duration pause;
  std::string message;
};

class LaneCredit {
 public:
  explicit LaneCredit(ReplicaLimits limits);

  int64_t outstanding() const { return outstanding_; }
  // How busy it is: calls against credit.
  double load() const;
  // Whether it may be given a call of so many bytes now.
  bool HasSlot(int64_t bytes, absl::Duration now) const;
  void Take(int64_t bytes);
  void GiveBack(const CallEnd& end, absl::Duration now);

 private:
  void Halve() { credit_ = credit_ < 2 ? 1 : credit_ / 2; }
  void Grow(int64_t mailbox_room);
  // Notes an answer, to know how many come in a time.
  void Pace(absl::Duration now);
  int MaxCredit() const;

  const ReplicaLimits limits_;
  int64_t outstanding_ = 0;
  int64_t outstanding_bytes_ = 0;
  double credit_ = 2;
  bool filled_ = false;       // And quick: until half of it is answered.
  absl::Duration answered_;   // The last time; on the monotonic clock.
  bool busy_since_ = false;   // It had another call from then on.
  absl::Duration busy_time_;  // Of the window now, and its answers.
  int64_t busy_answers_ = 0;
  absl::Duration interval_;      // Between answers while busy; zero: unknown.
  absl::Duration paused_until_;  // On the monotonic clock.
};

}  // namespace troupe
