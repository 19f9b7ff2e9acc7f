// What the answer to a sending leads to: the second half of the DispatchCore.
// verdict_table.h says what that is; here it is done.
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

DispatchCore::Action DispatchCore::Proceed(Stage& stage, const Sent& sent,
                                           Step step,
                                           const absl::Status& status) {
  const Call& call = sent.call;
  if (step.next == Next::kFail) return FinishWith(call, status);
  if ((step.charge == Charge::kDeath || step.charge == Charge::kHang) &&
      Suspect(*call))
    return FinishWith(call,
                      TooManyCrashes(call->call.job, options_.max_suspects));
  const Bill bill = ChargeFor(stage, sent, step.charge);
  if (!call->open.empty()) return nullptr;  // Its hedge goes on.
  if (bill.too_much) return FinishWith(call, status);
  if (step.next == Next::kBackOff || bill.pause > absl::ZeroDuration())
    return BackOff(stage, sent, status, bill.pause);
  switch (step.next) {
    case Next::kElsewhere:
      return QueueElsewhere(stage, sent, status);
    case Next::kAskNetwork:
      return AskNetwork(stage, sent, status);
    case Next::kBring:
      return BringArtifact(stage, sent, status);
    default:
      return Queue(stage, call);
  }
}

DispatchCore::Bill DispatchCore::ChargeFor(Stage& stage, const Sent& sent,
                                           Charge charge) {
  PendingCall& call = *sent.call;
  switch (charge) {
    case Charge::kNothing:
      return {};
    case Charge::kAttempt:
    case Charge::kHang:
      return ChargeAttempt(sent);
    case Charge::kDeath:
      return ChargeDeath(stage, sent);
    case Charge::kCutOff:
      return ++call.cut_off <= kMaxCutOff ? Bill{} : ChargeAttempt(sent);
    case Charge::kFault:
      return {.too_much = call.faults++ > 0, .pause = {}};
  }
  return {};
}

DispatchCore::Bill DispatchCore::ChargeAttempt(const Sent& sent) {
  PendingCall& call = *sent.call;
  call.avoided.push_back(sent.sending->replica->address);
  ++call.failures;
  return {.too_much = call.failures >= options_.max_attempts,
          .pause = Backoff(call.failures, options_.min_backoff,
                           options_.max_backoff, environment_.random())};
}

DispatchCore::Bill DispatchCore::ChargeDeath(Stage& stage, const Sent& sent) {
  PendingCall& call = *sent.call;
  const Replica& replica = *sent.sending->replica;
  call.avoided.push_back(replica.address);
  const absl::Duration since = call.deaths.quiet_since(now());
  call.deaths.Died(sent.sending->since, now(),
                   OthersLost(stage, replica, since));
  return {
      .too_much = call.deaths.guilty(),
      .pause = std::max(call.deaths.Pause(),
                        Backoff(call.deaths.count(), options_.min_backoff,
                                options_.max_backoff, environment_.random()))};
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

DispatchCore::Action DispatchCore::Queue(Stage& stage, const Call& call) {
  call->state = PendingCall::State::kQueued;
  stage.of(*call).queue.Add(call);
  return nullptr;
}

DispatchCore::Action DispatchCore::QueueElsewhere(Stage& stage,
                                                  const Sent& sent,
                                                  const absl::Status& status) {
  const auto& [call, sending] = sent;
  // The same replica would only do the same again.
  if (!stage.replicas->HasServing(sending->replica->address))
    return FinishWith(call, status);
  ++calls_.CountersOf(call->call.job).retries;
  call->avoided.push_back(sending->replica->address);
  return Queue(stage, call);
}

DispatchCore::Action DispatchCore::BackOff(Stage& stage, const Sent& sent,
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

DispatchCore::Action DispatchCore::AskNetwork(Stage& stage, const Sent& sent,
                                              const absl::Status& status) {
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
    action =
        stage.replicas->HasServing() && !outage
            ? Proceed(stage, sent, {Charge::kAttempt, Next::kBackOff}, status)
            : Queue(stage, sent.call);
  }
  if (action) action();
  Pump(stage);
}

bool DispatchCore::Suspect(PendingCall& call) {
  if (std::exchange(call.isolate, true)) return false;
  return ++calls_.CountersOf(call.call.job).suspects > options_.max_suspects;
}

DispatchCore::Action DispatchCore::BringArtifact(Stage& stage, const Sent& sent,
                                                 const absl::Status& status) {
  const Call& call = sent.call;
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
    if (sent.call->state == PendingCall::State::kWaiting)
      action = Proceed(stage, sent, RowOf(Judge(status)).put, status);
  }
  if (action) action();
  Pump(stage);
}

void DispatchCore::Requeue(Stage& stage, const Call& call) {
  {
    MutexLock lock(&mutex_);
    if (call->state != PendingCall::State::kWaiting) return;
    call->state = PendingCall::State::kQueued;
    stage.of(*call).queue.Add(call);
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
