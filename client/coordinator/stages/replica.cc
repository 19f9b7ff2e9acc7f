#include "client/coordinator/stages/replica.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace troupe {
namespace {

// "Lately" in rows per second: the weight of a row falls to 1/e in this time.
constexpr double kRateSeconds = 5;

}  // namespace

Replica::Replica(std::shared_ptr<StageClient> client, ReplicaLimits limits)
    : address(client->address()),
      client(std::move(client)),
      batch_(limits),
      online_(limits) {}

bool Replica::HasSlot(Lane lane, int64_t bytes, absl::Duration now) const {
  return serving_ && !lagging_ && CreditOf(lane).HasSlot(bytes, now);
}

void Replica::GiveBack(const CallEnd& end, absl::Duration now) {
  CreditOf(end.lane).GiveBack(end, now);
  if (end.rows > 0) {
    rate_ = RateAt(now) + static_cast<double>(end.rows) / kRateSeconds;
    rate_time_ = now;
  }
  Apply(end);
}

void Replica::Apply(const CallEnd& end) {
  switch (end.kind) {
    case CallEnd::Kind::kAnswered:
    case CallEnd::Kind::kSilent:
    case CallEnd::Kind::kFull:
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
      lagging_ = true;
      break;
  }
}

void Replica::GiveBackFit(const CallEnd& end) {
  --fits_;
  if (end.kind == CallEnd::Kind::kUnreachable ||
      end.kind == CallEnd::Kind::kLeaving)
    Apply(end);
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
          .outstanding = batch_.outstanding() + online_.outstanding() + fits_,
          .rows_per_second = RateAt(now),
          .client = client};
}

}  // namespace troupe
