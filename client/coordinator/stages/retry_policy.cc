#include "client/coordinator/stages/retry_policy.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "client/rpc/connection_loss.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

constexpr absl::Duration kLeastPause = absl::Milliseconds(1);
constexpr absl::Duration kUsualPause = absl::Milliseconds(50);
constexpr absl::Duration kMostPause = absl::Seconds(5);

// Death is told by a connection that ended at once and without a word. Silence
// (keepalive, time-outs, a failing network) is none: a process that was stopped
// or cut off lives on, and what it works on must not be blamed.
Verdict JudgeUnavailable(const absl::Status& status,
                         const std::string& reason) {
  if (reason == "DRAINING") return Verdict::kLeaving;
  if (reason == "NOT_READY") return Verdict::kRefused;
  switch (LossOf(status)) {
    case ConnectionLoss::kLeft:
      return Verdict::kLeaving;
    case ConnectionLoss::kNotMade:
      return Verdict::kRefused;
    case ConnectionLoss::kClosed:
      return Verdict::kDied;
    case ConnectionLoss::kSilent:
      return Verdict::kSilent;
    case ConnectionLoss::kNone:
      break;
  }
  return Verdict::kLost;
}

}  // namespace

Verdict Judge(const absl::Status& status) {
  if (status.ok()) return Verdict::kAnswered;
  const std::string reason = ReasonOf(status);
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return Verdict::kAnswered;
    case absl::StatusCode::kResourceExhausted:
      // Without our reason it is gRPC's "message too large".
      return reason == "MAILBOX_FULL" ? Verdict::kFull : Verdict::kFinal;
    case absl::StatusCode::kFailedPrecondition:
      return reason == "ARTIFACT_MISSING" ? Verdict::kArtifactMissing
                                          : Verdict::kFinal;
    case absl::StatusCode::kUnavailable:
      return JudgeUnavailable(status, reason);
    case absl::StatusCode::kDeadlineExceeded:
      return reason == "WORK_LIMIT_EXCEEDED" ? Verdict::kTooLong
                                             : Verdict::kUnanswered;
    case absl::StatusCode::kCancelled:
      // Servers that shut down cancel what they have not begun; what they have
      // begun gets our DRAINING.
      return reason.empty() ? Verdict::kCutOff : Verdict::kUnanswered;
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
      // gRPC itself says so of streams that broke; a handler gives its reason.
      return reason.empty() ? Verdict::kUnanswered : Verdict::kFaulty;
    default:
      return Verdict::kFinal;
  }
}

Verdict JudgeFrom(bool leaving, const absl::Status& status) {
  const bool cut_off = absl::IsUnavailable(status) || absl::IsCancelled(status);
  if (leaving && cut_off && ReasonOf(status).empty()) return Verdict::kLeaving;
  return Judge(status);
}

FitRetry RetryOfFit(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  // Another try would take as long.
  const bool too_long = absl::IsDeadlineExceeded(status) && reason.empty();
  if (too_long || reason == "JOB_CANCELLED") return FitRetry::kNever;
  return RowOf(Judge(status)).fit;
}

CallEnd EndOf(const absl::Status& status) {
  CallEnd end;
  end.message = std::string(status.message());
  end.kind = RowOf(Judge(status)).replica;
  if (end.kind == CallEnd::Kind::kFull)
    end.pause = std::clamp(RetryDelayOf(status).value_or(kUsualPause),
                           kLeastPause, kMostPause);
  return end;
}

absl::Duration Backoff(int failures, absl::Duration least, absl::Duration most,
                       double random) {
  const absl::Duration longest =
      std::min(most, least * std::pow(2.0, std::clamp(failures, 0, 30)));
  return least + random * (longest - least);
}

RetryBudget::RetryBudget(double ratio, double per_minute)
    : ratio_(ratio), per_minute_(per_minute), tokens_(per_minute) {}

void RetryBudget::AddCall() {
  // What a long quiet time saves up is bounded too.
  tokens_ = std::max(tokens_, std::min(tokens_ + ratio_, 10 * per_minute_));
}

absl::Duration RetryBudget::Take(absl::Duration now) {
  if (refilled_ == absl::ZeroDuration()) refilled_ = now;
  const double minutes = absl::ToDoubleMinutes(now - refilled_);
  refilled_ = now;
  tokens_ =
      std::max(tokens_, std::min(tokens_ + minutes * per_minute_, per_minute_));
  tokens_ -= 1;
  if (tokens_ >= 0) return absl::ZeroDuration();
  return std::min(absl::Minutes(-tokens_ / per_minute_), absl::Minutes(1));
}

}  // namespace troupe
