#include "services/actor/supervisor.h"

#include <algorithm>
#include <utility>

#include "services/base/errors.h"
#include "services/base/log.h"

namespace troupe {

Supervisor::Supervisor(std::string service, absl::Duration stuck_after,
                       const Clock* clock, std::vector<Ward> wards,
                       OverdueActions actions)
    : service_(std::move(service)),
      stuck_after_(stuck_after),
      clock_(clock),
      wards_(std::move(wards)),
      actions_(std::move(actions)) {}

void Supervisor::Tick() {
  const absl::Duration now = clock_->Monotonic();
  for (Ward& ward : wards_) Look(ward, now);
  const bool overdue =
      std::any_of(wards_.begin(), wards_.end(),
                  [](const Ward& ward) { return ward.overdue; });
  if (std::exchange(overdue_, overdue) != overdue && actions_.on_change)
    actions_.on_change(overdue);
  bool drain_ends = false;
  {
    MutexLock lock(&mutex_);
    drain_ends = drain_deadline_.has_value() && now >= *drain_deadline_;
    if (drain_ends) drain_deadline_.reset();
  }
  if (drain_ends) BounceAll();
}

void Supervisor::Look(Ward& ward, absl::Duration now) {
  const std::optional<Running> running = ward.thread->running();
  ward.overdue = false;
  if (!running.has_value()) return;
  Envelope& envelope = *running->envelope;
  const absl::Duration worked = now - running->since;
  if (worked > envelope.info().work_limit && !envelope.token()->own_limit()) {
    ward.overdue = true;
    // Answered first: a handler that sees its token must not answer before.
    envelope.Answer(Outcome::kFailed,
                    WorkLimitExceeded(envelope.info().work_limit), worked);
    envelope.token()->Cancel();
    if (worked > envelope.info().work_limit + actions_.exit_after &&
        actions_.exit) {
      Log(LogLevel::kError, "a handler does not end: the process does",
          {{"lane", ward.lane},
           {"method", envelope.message().method},
           {"seconds", absl::ToDoubleSeconds(worked)}});
      actions_.exit();
    }
  }
  if (now >= envelope.info().deadline) envelope.token()->Cancel();
  if (worked > stuck_after_ && ward.reported != running->since) {
    ward.reported = running->since;
    Log(LogLevel::kWarning, "message runs long",
        {{"lane", ward.lane},
         {"method", envelope.message().method},
         {"seconds", absl::ToDoubleSeconds(worked)},
         {"trace", envelope.info().trace}});
  }
}

void Supervisor::EndDrainAt(absl::Duration deadline) {
  MutexLock lock(&mutex_);
  drain_deadline_ = std::min(deadline, drain_deadline_.value_or(deadline));
}

void Supervisor::BounceAll() {
  // Abandon after Close: a message that left the mailbox before it was closed
  // is either running, and given up, or finds its thread told so.
  for (Ward& ward : wards_) {
    for (const auto& envelope : ward.mailbox->Close())
      envelope->Answer(Outcome::kBounced, Draining(service_));
    ward.thread->Abandon();
  }
}

}  // namespace troupe
