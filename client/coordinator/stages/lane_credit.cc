#include "client/coordinator/stages/lane_credit.h"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

// The time, while busy, over which answers are counted.
constexpr absl::Duration kPaceWindow = absl::Milliseconds(20);

}  // namespace

LaneCredit::LaneCredit(ReplicaLimits limits)
    : limits_(limits), credit_(std::min(2, std::max(1, limits.max_credit))) {}

double LaneCredit::load() const {
  return static_cast<double>(outstanding_) / credit_;
}

bool LaneCredit::HasSlot(int64_t bytes, absl::Duration now) const {
  if (now < paused_until_ || filled_ ||
      outstanding_ >= static_cast<int64_t>(credit_))
    return false;
  return outstanding_ == 0 || outstanding_bytes_ + bytes <= limits_.max_bytes;
}

void LaneCredit::Take(int64_t bytes) {
  ++outstanding_;
  outstanding_bytes_ += bytes;
  filled_ = MaxCredit() > limits_.max_credit &&
            outstanding_ >= static_cast<int64_t>(credit_);
}

void LaneCredit::GiveBack(const CallEnd& end, absl::Duration now) {
  --outstanding_;
  outstanding_bytes_ -= end.bytes;
  if (static_cast<double>(outstanding_) <= credit_ / 2) filled_ = false;
  Pace(now);
  if (end.kind == CallEnd::Kind::kAnswered && end.mailbox_room.has_value())
    Grow(*end.mailbox_room);
  if (end.kind == CallEnd::Kind::kBeaten) Halve();
  if (end.kind != CallEnd::Kind::kFull) return;
  Halve();
  paused_until_ = std::max(paused_until_, now + end.pause);
}

// As many as the mailbox would take beside those that are there already.
void LaneCredit::Grow(int64_t mailbox_room) {
  const int max_credit = MaxCredit();
  const int64_t room = std::clamp<int64_t>(mailbox_room, 0, max_credit);
  const int64_t most =
      std::clamp<int64_t>(outstanding_ + room, 1, std::max(1, max_credit));
  credit_ = std::min(credit_ + 1 / credit_, static_cast<double>(most));
}

void LaneCredit::Pace(absl::Duration now) {
  if (busy_since_) {
    busy_time_ += now - answered_;
    ++busy_answers_;
  }
  // Over a while: answers come in bursts, and a pause between two of those must
  // not look like a slow replica.
  if (busy_time_ >= kPaceWindow) {
    interval_ = std::exchange(busy_time_, absl::ZeroDuration()) /
                std::exchange(busy_answers_, 0);
  }
  answered_ = now;
  busy_since_ = outstanding_ > 0;
}

int LaneCredit::MaxCredit() const {
  if (interval_ <= absl::ZeroDuration()) return limits_.max_credit;
  const double in_time = absl::FDivDuration(limits_.ahead, interval_);
  const double most = std::max(limits_.max_credit, limits_.max_quick_credit);
  return static_cast<int>(
      std::clamp<double>(in_time, limits_.max_credit, most));
}

}  // namespace troupe
