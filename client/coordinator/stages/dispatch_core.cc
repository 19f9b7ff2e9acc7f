#include "client/coordinator/stages/dispatch_core.h"

#include <algorithm>
#include <utility>

#include "client/coordinator/stages/fence.h"
#include "client/coordinator/stages/reply_header.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/nearest.h"

namespace troupe {
namespace {

// A row that hangs among 100,000 takes 17 times the work limit to find.
constexpr int kIsolatedTries = 20;
constexpr absl::Duration kLookForLateCalls = absl::Milliseconds(200);
constexpr char kFitLane[] = "fit";

int64_t WeightOf(const StageCall& call) {
  return call.bytes > 0 ? call.bytes : call.table.size();
}

UnaryCall RequestOf(const StageCall& call, const Sending& sending,
                    std::string header, absl::Duration isolated_timeout) {
  UnaryCall request;
  request.method = call.method;
  request.header = std::move(header);
  request.table = call.table;
  request.timeout = call.timeout;
  if (sending.isolated)
    request.timeout = std::max(
        {call.timeout, isolated_timeout, kIsolatedTries * call.work_limit});
  request.lane = call.lane;
  request.work_limit = call.work_limit;
  request.trace = call.trace;
  return request;
}

}  // namespace

DispatchCore::Stage::Stage(std::unique_ptr<ReplicaSet> replicas,
                           const DispatcherOptions& options)
    : replicas(std::move(replicas)),
      online{{}, Hedger(options.online_hedge)},
      batch{{}, Hedger(options.hedge)},
      budget(options.retry_ratio, options.retries_per_minute) {}

DispatchCore::DispatchCore(DispatcherOptions options,
                           DispatchEnvironment environment)
    : options_(options),
      environment_(std::move(environment)),
      courier_(std::make_shared<ArtifactCourier>(
          environment_.artifacts, environment_.blocking, options.put_timeout)) {
}

void DispatchCore::AddStage(std::unique_ptr<ReplicaSet> replicas) {
  const std::string name = replicas->options().stage;
  const auto [added, is_new] =
      stages_.try_emplace(name, std::move(replicas), options_);
  if (!is_new) return;
  order_.push_back(name);
  Stage* const stage = &added->second;
  stage->replicas->OnChange([weak = weak_from_this(), stage] {
    if (const auto core = weak.lock()) core->Pump(*stage);
  });
}

DispatchCore::Stage* DispatchCore::Find(absl::string_view stage) {
  const auto found = stages_.find(stage);
  return found == stages_.end() ? nullptr : &found->second;
}

absl::Status DispatchCore::UnknownStage(absl::string_view stage) const {
  return MakeError(
      absl::StatusCode::kNotFound, "UNKNOWN_STAGE",
      "no stage \"" + std::string(stage) + "\"" + DidYouMean(stage, order_),
      {{"stage", std::string(stage)}});
}

void DispatchCore::Dispatch(StageCall call,
                            std::function<void(StageResult)> done) {
  auto pending = std::make_shared<PendingCall>();
  pending->call = std::move(call);
  pending->done = std::move(done);
  Stage* const stage = Find(pending->call.stage);
  bool refused = false;
  bool others_wait = false;
  std::optional<Sent> sent;
  {
    MutexLock lock(&mutex_);
    pending->sequence = next_sequence_++;
    calls_.Add(pending);
    refused = stopped_ || stage == nullptr;
    if (refused) {
      answers_.push_back(FinishWith(
          pending, stopped_ ? absl::CancelledError("the dispatcher has stopped")
                            : UnknownStage(pending->call.stage)));
    } else {
      stage->budget.AddCall();
      Stage::OfLane& lane = stage->of(*pending);
      if (IsBatchMethod(pending->call.method)) lane.hedger.AddCall();
      others_wait = !lane.queue.empty();
      // The usual case, which spares it the queue.
      if (!others_wait) sent = Place(*stage, pending);
      if (!sent.has_value()) lane.queue.Add(pending);
    }
  }
  if (refused) RunAnswersSoon();
  if (sent.has_value()) Send(*stage, *sent);
  if (others_wait) Pump(*stage);
}

void DispatchCore::Pump(Stage& stage) {
  for (FairQueue* const queue : {&stage.online.queue, &stage.batch.queue})
    while (const std::optional<Sent> sent = Next(stage, *queue))
      Send(stage, *sent);
}

std::optional<DispatchCore::Sent> DispatchCore::Next(Stage& stage,
                                                     FairQueue& queue) {
  MutexLock lock(&mutex_);
  std::shared_ptr<Replica> replica;
  bool no_slot = false;  // For a call without wishes.
  // Then what is not for one is for none.
  const bool all_alike = !queue.has_wishes() && !courier_->busy();
  using Try = FairQueue::Try;
  const auto call = queue.Take([&](const PendingCall& waiting) {
    const Placement placement = PlacementOf(waiting);
    const bool wishes = !placement.avoided.empty() ||
                        !placement.blocked.empty() ||
                        !placement.affinity.empty();
    // A small one must not overtake a big one for ever, either.
    if (!wishes && no_slot) return Try::kNext;
    replica = stage.replicas->Acquire(placement);
    if (replica != nullptr) return Try::kTaken;
    no_slot |= !wishes;
    return all_alike ? Try::kNone : Try::kNext;
  });
  if (call == nullptr) return std::nullopt;
  return Begin(stage, call, std::move(replica));
}

Placement DispatchCore::PlacementOf(const PendingCall& call) const {
  return {.avoided = call.avoided,
          .blocked = courier_->Underway(call.call.artifacts),
          .affinity = call.call.affinity,
          .bytes = WeightOf(call.call),
          .lane = LaneOf(call.call.lane)};
}

std::optional<DispatchCore::Sent> DispatchCore::Place(Stage& stage,
                                                      const Call& call) {
  std::shared_ptr<Replica> replica =
      stage.replicas->Acquire(PlacementOf(*call));
  if (replica == nullptr) return std::nullopt;
  stage.of(*call).queue.Passed(call->call.job);
  return Begin(stage, call, std::move(replica));
}

DispatchCore::Sent DispatchCore::Begin(Stage& stage, const Call& call,
                                       std::shared_ptr<Replica> replica) {
  const auto sending = std::make_shared<Sending>();
  sending->replica = std::move(replica);
  sending->attempt = ++call->sent;
  sending->number = next_sending_++;
  sending->failed_checks = stage.replicas->FailedChecksOf(*sending->replica);
  sending->isolated = call->isolate;
  sending->since = environment_.clock->Monotonic();
  sending->sender = std::this_thread::get_id();
  sending->where = {sending->replica->address, call->call.lane};
  stage.ledger.Sent(sending->where, sending->number);
  call->state = PendingCall::State::kOpen;
  call->replica = sending->replica->address;
  call->open.push_back(sending);
  return {call, sending};
}

void DispatchCore::Send(Stage& stage, const Sent& sent) {
  const auto& [call, sending] = sent;
  absl::StatusOr<std::string> header =
      call->call.header(sending->attempt, sending->isolated);
  std::shared_ptr<OpenCall> open;
  if (header.ok()) {
    sending->id = IdOf(call->call.method, *header);
    open = sending->replica->client->Call(
        RequestOf(call->call, *sending, *std::move(header),
                  options_.isolated_timeout),
        [weak = weak_from_this(), &stage, sent](UnaryReply reply) {
          if (const auto core = weak.lock())
            core->Answered(stage, sent, std::move(reply));
        });
  } else {
    UnaryReply unsent;
    unsent.status = std::move(header).status();
    Answered(stage, sent, std::move(unsent));
  }
  bool given_up = false;
  bool watch = false;
  {
    MutexLock lock(&mutex_);
    watch =
        IsBatchMethod(call->call.method) && !std::exchange(stage.watched, true);
    sending->sender = std::thread::id();
    given_up = std::find(call->open.begin(), call->open.end(), sending) ==
               call->open.end();
    if (!given_up) sending->open = open;
  }
  if (given_up && open != nullptr) open->Cancel();
  if (watch) WatchAges(stage);
}

void DispatchCore::Answered(Stage& stage, const Sent& sent, UnaryReply reply) {
  const auto& [call, sending] = sent;
  {
    MutexLock lock(&mutex_);
    if (sending->sender == std::this_thread::get_id()) {
      environment_.timers->Soon([weak = weak_from_this(), &stage, sent, reply] {
        if (const auto core = weak.lock()) core->Answered(stage, sent, reply);
      });
      return;
    }
  }
  const std::string& method = call->call.method;
  CheckAttempt(method, sending->id, reply);
  CallEnd end = EndOf(reply.status);
  end.lane = LaneOf(call->call.lane);
  end.bytes = WeightOf(call->call);
  if (reply.status.ok()) {
    const ReplyCounts counts = CountsOf(method, reply.header);
    end.rows = std::max<int64_t>(0, counts.rows);
    end.mailbox_room = counts.credit;
  }
  Action action;
  bool others_wait = false;
  {
    MutexLock lock(&mutex_);
    const bool wanted = std::erase(call->open, sending) > 0;
    const VerdictRow& row = TellLedger(
        stage, sending->where, sending->number,
        JudgeFrom(stage.replicas->IsLeaving(*sending->replica), reply.status));
    // Our own cancelling says little about the replica.
    if (!wanted && absl::IsCancelled(reply.status))
      end.kind =
          sending->beaten ? CallEnd::Kind::kBeaten : CallEnd::Kind::kSilent;
    stage.replicas->Release(sending->replica, end);
    if (wanted && reply.status.ok() && !sending->isolated)
      stage.of(*call).hedger.Answered(
          method, environment_.clock->Monotonic() - sending->since);
    if (wanted)
      action = row.call.next == Next::kAnswer
                   ? Answer(sent, reply)
                   : Proceed(stage, sent, row.call, reply.status);
    others_wait = stage.has_waiting();
  }
  if (action) action();
  if (others_wait) Pump(stage);
}

void DispatchCore::WatchAges(Stage& stage) {
  environment_.timers->After(kLookForLateCalls,
                             [weak = weak_from_this(), &stage] {
                               if (const auto core = weak.lock())
                                 core->HedgeLate(stage);
                             });
}

void DispatchCore::HedgeLate(Stage& stage) {
  for (const Sent& sent : BeginHedges(stage)) {
    Log(LogLevel::kInfo, "call is late; another replica is asked too",
        {{"job", sent.call->call.job},
         {"stage", sent.call->call.stage},
         {"replica", sent.sending->replica->address},
         {"method", sent.call->call.method},
         {"attempt", sent.sending->attempt}});
    Send(stage, sent);
  }
  bool more = false;
  {
    MutexLock lock(&mutex_);
    more = !calls_.OpenAt(stage.replicas->options().stage).empty();
    stage.watched = more;
  }
  if (more) WatchAges(stage);
}

std::vector<DispatchCore::Sent> DispatchCore::BeginHedges(Stage& stage) {
  std::vector<Sent> hedges;
  MutexLock lock(&mutex_);
  const absl::Duration now = environment_.clock->Monotonic();
  for (const Call& call : calls_.OpenAt(stage.replicas->options().stage)) {
    Hedger& hedger = stage.of(*call).hedger;
    if (!hedger.HasToken()) continue;
    if (!IsBatchMethod(call->call.method) || call->open.size() != 1) continue;
    const Sending& first = *call->open.front();
    // What is suspect must not take one replica after the other with it.
    if (call->isolate || first.isolated || first.sender != std::thread::id() ||
        now - first.since <= hedger.LateAge(call->call.method))
      continue;
    Placement placement = PlacementOf(*call);
    placement.affinity.clear();  // Late is worse than twice read.
    placement.blocked.push_back(first.replica->address);
    auto replica = stage.replicas->Acquire(placement);
    if (replica == nullptr) continue;
    hedger.TakeToken();
    ++calls_.CountersOf(call->call.job).hedges;
    hedges.push_back(Begin(stage, call, std::move(replica)));
    hedges.back().sending->hedge = true;
  }
  return hedges;
}

std::vector<std::shared_ptr<OpenCall>> DispatchCore::CancelLocked(
    const std::string& job) {
  std::vector<std::shared_ptr<OpenCall>> open;
  for (OpenFit* const fit : calls_.FitsOf(job)) fit->CancelByJob();
  for (const Call& call : calls_.CallsOf(job)) {
    if (call->state == PendingCall::State::kQueued)
      Find(call->call.stage)->of(*call).queue.Remove(*call);
    for (const auto& sending : call->open)
      if (sending->open != nullptr) open.push_back(sending->open);
    call->open.clear();
    answers_.push_back(FinishWith(call, JobCancelled(job)));
  }
  return open;
}

void DispatchCore::CancelJob(const std::string& job) {
  std::vector<std::shared_ptr<OpenCall>> open;
  {
    MutexLock lock(&mutex_);
    open = CancelLocked(job);
  }
  for (const auto& call : open) call->Cancel();
  RunAnswersSoon();
}

void DispatchCore::Stop() {
  std::vector<std::shared_ptr<OpenCall>> open;
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    for (const std::string& name : calls_.Jobs())
      for (auto& call : CancelLocked(name)) open.push_back(std::move(call));
  }
  for (const auto& [name, stage] : stages_) stage.replicas->OnChange(nullptr);
  for (const auto& call : open) call->Cancel();
  RunAnswers();
}

void DispatchCore::RunAnswersSoon() {
  environment_.timers->Soon([weak = weak_from_this()] {
    if (const auto core = weak.lock()) core->RunAnswers();
  });
}

void DispatchCore::RunAnswers() {
  std::vector<Action> answers;
  {
    MutexLock lock(&mutex_);
    answers.swap(answers_);
  }
  for (const Action& answer : answers) answer();
}

int64_t DispatchCore::AddFit(const std::string& job, OpenFit* fit,
                             const std::string& replica) {
  MutexLock lock(&mutex_);
  calls_.AddFit(job, fit);
  const int64_t number = next_sending_++;
  Find(fit->stage())->ledger.Sent({replica, kFitLane}, number);
  return number;
}

bool DispatchCore::EndFit(Stage& stage, const std::shared_ptr<Replica>& replica,
                          int64_t number, const CallEnd& end,
                          const absl::Status& status) {
  MutexLock lock(&mutex_);
  const VerdictRow& row =
      TellLedger(stage, {replica->address, kFitLane}, number,
                 JudgeFrom(stage.replicas->IsLeaving(*replica), status));
  stage.replicas->ReleaseFit(replica, end);
  return row.verdict == Verdict::kDied;
}

const VerdictRow& DispatchCore::TellLedger(Stage& stage,
                                           const LaneOfReplica& where,
                                           int64_t number, Verdict verdict) {
  switch (RowOf(verdict).entry) {
    case Entry::kHandled:
      stage.ledger.Handled(where, number);
      break;
    case Entry::kEnded:
      stage.ledger.Ended(where, number);
      break;
    case Entry::kOverran:
      stage.ledger.Overran(where, number);
      break;
    case Entry::kDied:
      if (!stage.ledger.Died(where, number)) verdict = Verdict::kDiedBefore;
  }
  return RowOf(verdict);
}

bool DispatchCore::OthersLost(const Stage& stage, const Replica& replica,
                              absl::Duration since) const {
  const int64_t own = stage.replicas->LastLossOf(replica);
  for (const auto& [name, other] : stages_)
    if (other.replicas->LostAnother(&other == &stage ? own : 0, since))
      return true;
  return false;
}

void DispatchCore::RemoveFit(const std::string& job, OpenFit* fit) {
  MutexLock lock(&mutex_);
  calls_.RemoveFit(job, fit);
}

std::vector<std::string> DispatchCore::StalledStages(absl::string_view job) {
  std::set<std::string> in_use;
  {
    MutexLock lock(&mutex_);
    in_use = calls_.StagesInUse(job);
  }
  std::vector<std::string> stalled;
  for (const std::string& name : order_)
    if (in_use.contains(name) && !Find(name)->replicas->HasServing())
      stalled.push_back(name);
  return stalled;
}

int64_t DispatchCore::WaitingAt(Stage& stage) {
  MutexLock lock(&mutex_);
  return stage.batch.queue.size();
}

JobLoad DispatchCore::LoadOf(const std::string& job) {
  MutexLock lock(&mutex_);
  return calls_.LoadOf(job);
}

void DispatchCore::ForgetJob(const std::string& job) {
  MutexLock lock(&mutex_);
  calls_.Forget(job);
}

}  // namespace troupe
