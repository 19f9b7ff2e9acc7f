#include "client/rpc/reconnector.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(200);
constexpr absl::Duration kLongestPause = absl::Seconds(2);

bool IsLoss(const absl::Status& error) {
  const std::string reason = ReasonOf(error);
  return absl::IsUnavailable(error) &&
         (reason.empty() || reason == "COORDINATOR_UNREACHABLE" ||
          reason == "DRAINING" || reason == "NOT_READY");
}

}  // namespace

Reconnector::Reconnector(Reconnecting how, const Clock& clock)
    : how_(std::move(how)), clock_(clock) {}

void Reconnector::Answered() {
  MutexLock lock(&mutex_);
  ever_answered_ = true;
  if (std::exchange(lost_, false) && how_.found != nullptr) how_.found();
}

bool Reconnector::AgainAfter(const absl::Status& error) {
  absl::Duration pause;
  {
    MutexLock lock(&mutex_);
    if (!ever_answered_ || !IsLoss(error) ||
        how_.retry_for <= absl::ZeroDuration())
      return false;
    const absl::Duration now = clock_.Monotonic();
    if (!lost_) {
      lost_ = true;
      lost_since_ = now;
      pause_ = kFirstPause;
      if (how_.lost != nullptr) how_.lost(error);
    }
    if (now - lost_since_ >= how_.retry_for) return false;
    pause = pause_;
    pause_ = std::min(2 * pause_, kLongestPause);
  }
  // So that many do not come back at once.
  thread_local std::minstd_rand random{std::random_device{}()};
  absl::SleepFor(pause * std::uniform_real_distribution<>(0.5, 1)(random));
  return true;
}

}  // namespace troupe
