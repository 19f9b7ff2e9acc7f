// What the answer to a sending leads to: the second half of the DispatchCore.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/stages/dispatch_core.h"
#include "client/coordinator/stages/reply_header.h"
#include "services/base/errors.h"
#include "services/base/log.h"

namespace troupe {
namespace {

// So often may a call find an artifact missing that was just put there: more
// means that the cache is too small for what the jobs need at once.
constexpr int kMaxPuts = 16;

// So often may a call meet a server that ends, at no cost. A handler that
// always answers CANCELLED must not look like that for ever.
constexpr int kMaxCutOff = 16;

absl::Status TooManyCrashes(const std::string& job, int64_t most) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "TOO_MANY_CRASHES",
      absl::StrCat("more than ", most,
                   " batches of the job crashed a replica or ran beyond their "
                   "work limit; look for what they have in common in the "
                   "stages' logs"),
      {{"job", job}, {"limit", absl::StrCat(most)}});
}

}  // namespace

DispatchCore::Action DispatchCore::Decide(Stage& stage, const Sent& sent,
                                          Verdict verdict, bool suspect,
                                          UnaryReply& reply) {
  switch (verdict) {
    case Verdict::kAnswered:
      return Answer(sent, reply);
    case Verdict::kFull:
    case Verdict::kElsewhere:
      return RepeatAtNoCost(stage, sent);
    case Verdict::kArtifactMissing:
      return BringArtifact(stage, sent, reply.status);
    case Verdict::kDied:
      // One that only waited there has done nothing, and nothing was done to
      // it.
      return suspect ? RepeatAfterDeath(stage, sent, reply.status)
                     : RepeatAtNoCost(stage, sent);
    case Verdict::kTooLong:
      return RepeatIsolated(stage, sent, reply.status);
    case Verdict::kCutOff:
      return ++sent.call->cut_off <= kMaxCutOff
                 ? RepeatAtNoCost(stage, sent)
                 : RepeatAfterFailure(stage, sent, reply.status);
    case Verdict::kSilent:
      return RepeatAfterSilence(stage, sent, reply.status);
    case Verdict::kTransport:
      return RepeatAfterFailure(stage, sent, reply.status);
    case Verdict::kFaulty:
      return RepeatAfterFault(stage, sent, reply.status);
    case Verdict::kFinal:
      break;
  }
  return FinishWith(sent.call, reply.status);
}

DispatchCore::Action DispatchCore::Answer(const Sent& sent, UnaryReply& reply) {
  const auto& [call, sending] = sent;
  // What runs to its end, and has crashed no child, was innocent: whoever kills
  // replicas from outside must not use up the job's limit.
  if (call->isolate && !RejectsCrashes(call->call.method, reply.header))
    --calls_.CountersOf(call->call.job).suspects;
  call->replica = sending->replica->address;
  for (const auto& other : call->open) other->beaten = sending->hedge;
  StageResult result;
  result.header = std::move(reply.header);
  result.table = std::move(reply.table);
  return Finish(call, std::move(result));
}

DispatchCore::Action DispatchCore::RepeatAtNoCost(Stage& stage,
                                                  const Sent& sent) {
  if (!sent.call->open.empty()) return nullptr;  // Its hedge goes on.
  sent.call->state = PendingCall::State::kQueued;
  stage.queue.Add(sent.call);
  return nullptr;
}

DispatchCore::Action DispatchCore::RepeatAfterFailure(
    Stage& stage, const Sent& sent, const absl::Status& status) {
  const auto& [call, sending] = sent;
  call->avoided.push_back(sending->replica->address);
  ++call->failures;
  if (!call->open.empty()) return nullptr;  // Its hedge goes on.
  if (call->failures >= options_.max_attempts) return FinishWith(call, status);
  return RepeatAfter(stage, sent, status,
                     Backoff(call->failures, options_.min_backoff,
                             options_.max_backoff, environment_.random()));
}

DispatchCore::Action DispatchCore::RepeatAfterDeath(
    Stage& stage, const Sent& sent, const absl::Status& status) {
  const auto& [call, sending] = sent;
  if (Suspect(*call))
    return FinishWith(call,
                      TooManyCrashes(call->call.job, options_.max_suspects));
  const absl::Duration since = call->deaths.quiet_since(now());
  call->deaths.Died(sending->since, now(),
                    OthersLost(stage, *sending->replica, since));
  call->avoided.push_back(sending->replica->address);
  if (!call->open.empty()) return nullptr;  // Its hedge goes on.
  if (call->deaths.guilty()) return FinishWith(call, status);
  return RepeatAfter(
      stage, sent, status,
      std::max(call->deaths.Pause(),
               Backoff(call->deaths.count(), options_.min_backoff,
                       options_.max_backoff, environment_.random())));
}

DispatchCore::Action DispatchCore::RepeatAfter(Stage& stage, const Sent& sent,
                                               const absl::Status& status,
                                               absl::Duration pause) {
  const Call& call = sent.call;
  ++calls_.CountersOf(call->call.job).retries;
  const absl::Duration wait = std::max(pause, stage.budget.Take(now()));
  call->state = PendingCall::State::kWaiting;
  return [this, &stage, sent, status, wait, isolate = call->isolate] {
    const StageCall& failed = sent.call->call;
    LogError("call failed; it will be sent again", status,
             {{"job", failed.job},
              {"stage", failed.stage},
              {"replica", sent.sending->replica->address},
              {"method", failed.method},
              {"attempt", sent.sending->attempt},
              {"isolated", isolate},
              {"seconds", absl::ToDoubleSeconds(wait)}});
    environment_.timers->After(
        wait, [weak = weak_from_this(), &stage, call = sent.call] {
          if (const auto core = weak.lock()) core->Requeue(stage, call);
        });
  };
}

DispatchCore::Action DispatchCore::RepeatAfterSilence(
    Stage& stage, const Sent& sent, const absl::Status& status) {
  if (!sent.call->open.empty()) return nullptr;  // Its hedge goes on.
  sent.call->state = PendingCall::State::kWaiting;
  return [this, &stage, sent, status] {
    environment_.timers->After(options_.silence_wait,
                               [weak = weak_from_this(), &stage, sent, status] {
                                 if (const auto core = weak.lock())
                                   core->JudgeSilence(stage, sent, status);
                               });
  };
}

void DispatchCore::JudgeSilence(Stage& stage, const Sent& sent,
                                const absl::Status& status) {
  Action action;
  {
    MutexLock lock(&mutex_);
    if (sent.call->state != PendingCall::State::kWaiting) return;
    // Where nobody can be reached, or its replica could not be for a while, no
    // attempt is to blame.
    const Sending& sending = *sent.sending;
    const bool outage = stage.replicas->FailedChecksOf(*sending.replica) !=
                        sending.failed_checks;
    action = stage.replicas->HasServing() && !outage
                 ? RepeatAfterFailure(stage, sent, status)
                 : RepeatAtNoCost(stage, sent);
  }
  if (action) action();
  Pump(stage);
}

DispatchCore::Action DispatchCore::RepeatIsolated(Stage& stage,
                                                  const Sent& sent,
                                                  const absl::Status& status) {
  const Call& call = sent.call;
  if (Suspect(*call))
    return FinishWith(call,
                      TooManyCrashes(call->call.job, options_.max_suspects));
  return RepeatAfterFailure(stage, sent, status);
}

bool DispatchCore::Suspect(PendingCall& call) {
  if (std::exchange(call.isolate, true)) return false;
  return ++calls_.CountersOf(call.call.job).suspects > options_.max_suspects;
}

DispatchCore::Action DispatchCore::RepeatAfterFault(
    Stage& stage, const Sent& sent, const absl::Status& status) {
  const auto& [call, sending] = sent;
  if (!call->open.empty()) {  // Its hedge is the one other try.
    ++call->faults;
    return nullptr;
  }
  // The same replica would only do the same again.
  if (call->faults++ > 0 ||
      !stage.replicas->HasServing(sending->replica->address))
    return FinishWith(call, status);
  ++calls_.CountersOf(call->call.job).retries;
  call->avoided.push_back(sending->replica->address);
  return RepeatAtNoCost(stage, sent);
}

DispatchCore::Action DispatchCore::BringArtifact(Stage& stage, const Sent& sent,
                                                 const absl::Status& status) {
  const Call& call = sent.call;
  if (!call->open.empty()) return nullptr;  // Its hedge goes on.
  const ErrorMetadata metadata = MetadataOf(status);
  const auto sha256 = metadata.find("sha256");
  const std::vector<std::string>& named = call->call.artifacts;
  if (sha256 == metadata.end() ||
      std::find(named.begin(), named.end(), sha256->second) == named.end() ||
      ++call->puts > kMaxPuts)
    return FinishWith(call, status);
  call->state = PendingCall::State::kWaiting;
  return [this, &stage, sent, artifact = sha256->second] {
    courier_->Bring(
        sent.sending->replica->client, artifact,
        [weak = weak_from_this(), &stage, sent](const absl::Status& put) {
          if (const auto core = weak.lock()) core->Brought(stage, sent, put);
        });
  };
}

void DispatchCore::Brought(Stage& stage, const Sent& sent,
                           const absl::Status& status) {
  Action action;
  {
    MutexLock lock(&mutex_);
    const bool waits = sent.call->state == PendingCall::State::kWaiting;
    switch (Judge(status)) {
      case Verdict::kAnswered:
        break;
      // Nothing of the call ran: a replica that is gone costs it nothing.
      case Verdict::kDied:
      case Verdict::kElsewhere:
      case Verdict::kCutOff:
        break;
      case Verdict::kSilent:
      case Verdict::kTransport:
      case Verdict::kFull:
        if (waits) action = RepeatAfterFailure(stage, sent, status);
        break;
      default:
        if (waits) action = FinishWith(sent.call, status);
    }
  }
  if (action)
    action();
  else
    Requeue(stage, sent.call);
  Pump(stage);
}

void DispatchCore::Requeue(Stage& stage, const Call& call) {
  {
    MutexLock lock(&mutex_);
    if (call->state != PendingCall::State::kWaiting) return;
    call->state = PendingCall::State::kQueued;
    stage.queue.Add(call);
  }
  Pump(stage);
}

DispatchCore::Action DispatchCore::Finish(const Call& call,
                                          StageResult result) {
  call->state = PendingCall::State::kDone;
  result.replica = call->replica;
  result.attempts = call->sent;
  std::vector<std::shared_ptr<OpenCall>> losers;
  for (const auto& sending : std::exchange(call->open, {}))
    if (sending->open != nullptr) losers.push_back(sending->open);
  calls_.Remove(call);
  return [done = std::move(call->done), losers = std::move(losers),
          result = std::move(result)]() mutable {
    for (const auto& loser : losers) loser->Cancel();
    done(std::move(result));
  };
}

DispatchCore::Action DispatchCore::FinishWith(const Call& call,
                                              const absl::Status& status) {
  StageResult result;
  result.status = status;
  return Finish(call, std::move(result));
}

}  // namespace troupe
