#include "client/coordinator/stages/replica.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace troupe {
namespace {

// "Lately" in rows per second: the weight of a row falls to 1/e in this time.
constexpr double kRateSeconds = 5;

// The time, while busy, over which answers are counted.
constexpr absl::Duration kPaceWindow = absl::Milliseconds(20);

}  // namespace

Replica::Replica(std::shared_ptr<StageClient> client, ReplicaLimits limits)
    : address(client->address()),
      client(std::move(client)),
      limits_(limits),
      credit_(std::min(2, std::max(1, limits.max_credit))) {}

double Replica::load() const {
  return static_cast<double>(outstanding_) / credit_;
}

bool Replica::HasSlot(int64_t bytes, absl::Duration now) const {
  if (!serving_ || lagging_ || now < paused_until_) return false;
  if (filled_ || outstanding_ >= static_cast<int64_t>(credit_)) return false;
  return outstanding_ == 0 || outstanding_bytes_ + bytes <= limits_.max_bytes;
}

void Replica::Take(int64_t bytes) {
  ++outstanding_;
  outstanding_bytes_ += bytes;
  filled_ = MaxCredit() > limits_.max_credit &&
            outstanding_ >= static_cast<int64_t>(credit_);
}

void Replica::GiveBack(const CallEnd& end, absl::Duration now) {
  --outstanding_;
  outstanding_bytes_ -= end.bytes;
  if (static_cast<double>(outstanding_) <= credit_ / 2) filled_ = false;
  Pace(now);
  if (end.rows > 0) {
    rate_ = RateAt(now) + static_cast<double>(end.rows) / kRateSeconds;
    rate_time_ = now;
  }
  Apply(end, now);
}

void Replica::Apply(const CallEnd& end, absl::Duration now) {
  switch (end.kind) {
    case CallEnd::Kind::kAnswered:
      if (end.mailbox_room.has_value()) Grow(*end.mailbox_room);
      break;
    case CallEnd::Kind::kSilent:
      break;
    case CallEnd::Kind::kFull:
      credit_ = std::max(1.0, credit_ / 2);
      paused_until_ = std::max(paused_until_, now + end.pause);
      break;
    case CallEnd::Kind::kUnreachable:
      ++verdicts_;
      SetNotServing(end.message);
      break;
    case CallEnd::Kind::kLeaving:
      ++verdicts_;
      SetLeaving(end.message);
      break;
    case CallEnd::Kind::kBeaten:
      ++verdicts_;
      credit_ = std::max(1.0, credit_ / 2);
      lagging_ = true;
      break;
  }
}

void Replica::GiveBackFit(const CallEnd& end) {
  --fits_;
  if (end.kind == CallEnd::Kind::kUnreachable ||
      end.kind == CallEnd::Kind::kLeaving)
    Apply(end, absl::ZeroDuration());
}

// As many as the mailbox would take beside those that are there already.
void Replica::Grow(int64_t mailbox_room) {
  const int max_credit = MaxCredit();
  const int64_t room = std::clamp<int64_t>(mailbox_room, 0, max_credit);
  const int64_t most =
      std::clamp<int64_t>(outstanding_ + room, 1, std::max(1, max_credit));
  credit_ = std::min(credit_ + 1 / credit_, static_cast<double>(most));
}

void Replica::Pace(absl::Duration now) {
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

int Replica::MaxCredit() const {
  if (interval_ <= absl::ZeroDuration()) return limits_.max_credit;
  const double in_time = absl::FDivDuration(limits_.ahead, interval_);
  const double most = std::max(limits_.max_credit, limits_.max_quick_credit);
  return static_cast<int>(
      std::clamp<double>(in_time, limits_.max_credit, most));
}

bool Replica::SetServing() {
  missed_checks_ = 0;
  message_.clear();
  leaving_ = false;
  const bool lagged = std::exchange(lagging_, false);
  return !std::exchange(serving_, true) || lagged;
}

bool Replica::SetNotServing(const std::string& why) {
  message_ = why;
  const bool served = std::exchange(serving_, false);
  lost_ |= served;
  return served;
}

bool Replica::SetLeaving(const std::string& why) {
  leaving_ = true;
  message_ = why;
  return std::exchange(serving_, false);
}

bool Replica::FailCheck(const std::string& why) {
  ++failed_checks_;
  return SetNotServing(why);
}

bool Replica::MissCheck() {
  if (++missed_checks_ < 2) return false;
  return FailCheck("does not answer health checks");
}

double Replica::RateAt(absl::Duration now) const {
  return rate_ *
         std::exp(-absl::ToDoubleSeconds(now - rate_time_) / kRateSeconds);
}

ReplicaInfo Replica::Describe(absl::Duration now) const {
  return {.address = address,
          .serving = serving_,
          .message = message_,
          .outstanding = outstanding_ + fits_,
          .rows_per_second = RateAt(now),
          .client = client};
}

}  // namespace troupe
