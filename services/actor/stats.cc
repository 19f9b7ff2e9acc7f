#include "services/actor/stats.h"

namespace troupe {
namespace {

int64_t& CounterOf(LaneCounters& counters, Outcome outcome) {
  switch (outcome) {
    case Outcome::kSucceeded:
      return counters.succeeded;
    case Outcome::kFailed:
      return counters.failed;
    case Outcome::kExpired:
      return counters.expired;
    case Outcome::kCancelled:
      return counters.cancelled;
    case Outcome::kBounced:
      return counters.bounced;
  }
  return counters.failed;
}

}  // namespace

void Stats::Accept() {
  MutexLock lock(&mutex_);
  ++counters_.accepted;
  ++counters_.in_flight;
}

void Stats::Settle(Outcome outcome, const Cost& cost) {
  MutexLock lock(&mutex_);
  --counters_.in_flight;
  ++CounterOf(counters_, outcome);
  counters_.waited += cost.waited;
  counters_.worked += cost.worked;
  counters_.rows += cost.rows;
}

void Stats::Reject(absl::string_view reason) {
  MutexLock lock(&mutex_);
  ++counters_.rejected[std::string(reason)];
}

LaneCounters Stats::Read() const {
  MutexLock lock(&mutex_);
  return counters_;
}

}  // namespace troupe
