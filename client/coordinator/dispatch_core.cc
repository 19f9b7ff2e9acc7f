#include "client/coordinator/dispatch_core.h"

#include <algorithm>
#include <utility>

#include "client/coordinator/dispatched_fit.h"
#include "client/coordinator/reply_header.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/nearest.h"

namespace troupe {
namespace {

// So often may a call find an artifact missing that was just put there: more
// means that the cache is too small for what the jobs need at once.
constexpr int kMaxPuts = 16;

int64_t WeightOf(const StageCall& call) {
  return call.bytes > 0 ? call.bytes : call.table.size();
}

UnaryCall RequestOf(const StageCall& call, std::string header) {
  UnaryCall request;
  request.method = call.method;
  request.header = std::move(header);
  request.table = call.table;
  request.timeout = call.timeout;
  request.lane = call.lane;
  request.work_limit = call.work_limit;
  request.trace = call.trace;
  return request;
}

// A reply to another attempt is none to this one.
void CheckId(const std::string& method, const std::optional<pb::BatchId>& asked,
             UnaryReply& reply) {
  if (!reply.status.ok() || !asked.has_value()) return;
  const std::optional<pb::BatchId> answered = IdOf(method, reply.header);
  if (answered.has_value() && SameId(*asked, *answered)) return;
  reply.status = MakeError(absl::StatusCode::kInternal, "WRONG_REPLY",
                           "the reply is not to the open attempt");
}

}  // namespace

DispatchCore::Stage::Stage(std::unique_ptr<ReplicaSet> replicas,
                           const DispatcherOptions& options)
    : replicas(std::move(replicas)),
      budget(options.retry_ratio, options.retries_per_minute) {}

DispatchCore::DispatchCore(DispatcherOptions options,
                           Dispatcher::Environment environment)
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
  {
    MutexLock lock(&mutex_);
    pending->sequence = next_sequence_++;
    jobs_[pending->call.job].calls.insert(pending);
    refused = stopped_ || stage == nullptr;
    if (refused) {
      answers_.push_back(FinishWith(
          pending, stopped_ ? absl::CancelledError("the dispatcher has stopped")
                            : UnknownStage(pending->call.stage)));
    } else {
      stage->budget.AddCall();
      stage->queue.Add(pending);
    }
  }
  if (refused)
    RunAnswersSoon();
  else
    Pump(*stage);
}

void DispatchCore::Pump(Stage& stage) {
  while (std::optional<Sending> sending = Next(stage))
    Send(stage, *std::move(sending));
}

std::optional<DispatchCore::Sending> DispatchCore::Next(Stage& stage) {
  MutexLock lock(&mutex_);
  std::shared_ptr<Replica> replica;
  bool no_slot = false;  // For a call without wishes.
  const auto call = stage.queue.Take([&](const PendingCall& waiting) {
    const Placement placement = {
        .avoided = waiting.avoided,
        .blocked = courier_->Underway(waiting.call.artifacts),
        .affinity = waiting.call.affinity,
        .bytes = WeightOf(waiting.call)};
    const bool wishes = !placement.avoided.empty() ||
                        !placement.blocked.empty() ||
                        !placement.affinity.empty();
    // A small one must not overtake a big one for ever, either.
    if (!wishes && no_slot) return false;
    replica = stage.replicas->Acquire(placement);
    if (replica == nullptr && !wishes) no_slot = true;
    return replica != nullptr;
  });
  if (call == nullptr) return std::nullopt;
  call->state = PendingCall::State::kOpen;
  call->replica = replica->address;
  call->sender = std::this_thread::get_id();
  if (++call->sent > 1) ++jobs_[call->call.job].retries;
  return Sending{.call = call,
                 .replica = replica,
                 .attempt = call->sent,
                 .id = std::nullopt};
}

void DispatchCore::Send(Stage& stage, Sending ready) {
  const auto sending = std::make_shared<Sending>(std::move(ready));
  const std::shared_ptr<PendingCall> call = sending->call;
  std::string header = call->call.header(sending->attempt);
  sending->id = IdOf(call->call.method, header);
  std::shared_ptr<OpenCall> open = sending->replica->client->Call(
      RequestOf(call->call, std::move(header)),
      [weak = weak_from_this(), &stage, sending](UnaryReply reply) {
        if (const auto core = weak.lock())
          core->Answered(stage, sending, std::move(reply));
      });
  bool cancelled = false;
  {
    MutexLock lock(&mutex_);
    const bool mine = call->sent == sending->attempt;
    if (mine) call->sender = std::thread::id();
    if (mine && call->state == PendingCall::State::kOpen)
      call->open = std::move(open);
    else
      cancelled = call->state == PendingCall::State::kDone;
  }
  if (cancelled && open != nullptr) open->Cancel();
}

void DispatchCore::Answered(Stage& stage,
                            const std::shared_ptr<Sending>& sending,
                            UnaryReply reply) {
  const std::shared_ptr<PendingCall>& call = sending->call;
  {
    MutexLock lock(&mutex_);
    if (call->sent == sending->attempt &&
        call->sender == std::this_thread::get_id()) {
      environment_.timers->Soon(
          [weak = weak_from_this(), &stage, sending, reply] {
            if (const auto core = weak.lock())
              core->Answered(stage, sending, reply);
          });
      return;
    }
  }
  const std::string& method = call->call.method;
  CheckId(method, sending->id, reply);
  CallEnd end = EndOf(reply.status);
  end.bytes = WeightOf(call->call);
  if (reply.status.ok()) {
    const ReplyCounts counts = CountsOf(method, reply.header);
    end.rows = std::max<int64_t>(0, counts.rows);
    end.mailbox_room = counts.credit;
  }
  Action action;
  {
    MutexLock lock(&mutex_);
    const bool wanted = call->state == PendingCall::State::kOpen &&
                        call->sent == sending->attempt;
    // Our own cancelling says nothing about the replica.
    if (!wanted && absl::IsCancelled(reply.status))
      end.kind = CallEnd::Kind::kSilent;
    stage.replicas->Release(sending->replica, end);
    if (wanted) action = Decide(stage, *sending, reply);
  }
  if (action) action();
  Pump(stage);
}

DispatchCore::Action DispatchCore::Decide(Stage& stage, const Sending& sending,
                                          UnaryReply& reply) {
  const std::shared_ptr<PendingCall>& call = sending.call;
  call->open = nullptr;
  switch (Judge(reply.status)) {
    case Verdict::kAnswered: {
      StageResult result;
      result.header = std::move(reply.header);
      result.table = std::move(reply.table);
      return Finish(call, std::move(result));
    }
    case Verdict::kFull:
    case Verdict::kElsewhere:
      call->state = PendingCall::State::kQueued;
      stage.queue.Add(call);
      return nullptr;
    case Verdict::kArtifactMissing:
      return BringArtifact(stage, sending, reply.status);
    case Verdict::kTransport:
      return RepeatAfterFailure(stage, sending, reply.status);
    case Verdict::kFaulty:
      return RepeatAfterFault(stage, sending, reply.status);
    case Verdict::kFinal:
      break;
  }
  return FinishWith(call, reply.status);
}

DispatchCore::Action DispatchCore::RepeatAfterFailure(
    Stage& stage, const Sending& sending, const absl::Status& status) {
  const std::shared_ptr<PendingCall>& call = sending.call;
  call->avoided.push_back(sending.replica->address);
  if (++call->failures >= options_.max_attempts)
    return FinishWith(call, status);
  const absl::Duration wait =
      std::max(Backoff(call->failures, options_.min_backoff,
                       options_.max_backoff, environment_.random()),
               stage.budget.Take(environment_.clock->Monotonic()));
  call->state = PendingCall::State::kWaiting;
  return [this, &stage, call, status, wait, attempt = sending.attempt,
          replica = sending.replica] {
    LogError("call failed; it will be sent again", status,
             {{"job", call->call.job},
              {"stage", call->call.stage},
              {"replica", replica->address},
              {"method", call->call.method},
              {"attempt", attempt},
              {"seconds", absl::ToDoubleSeconds(wait)}});
    environment_.timers->After(wait, [weak = weak_from_this(), &stage, call] {
      if (const auto core = weak.lock()) core->Requeue(stage, call);
    });
  };
}

DispatchCore::Action DispatchCore::RepeatAfterFault(
    Stage& stage, const Sending& sending, const absl::Status& status) {
  const std::shared_ptr<PendingCall>& call = sending.call;
  // The same replica would only do the same again.
  if (call->faults++ > 0 ||
      !stage.replicas->HasServing(sending.replica->address))
    return FinishWith(call, status);
  call->avoided.push_back(sending.replica->address);
  call->state = PendingCall::State::kQueued;
  stage.queue.Add(call);
  return nullptr;
}

DispatchCore::Action DispatchCore::BringArtifact(Stage& stage,
                                                 const Sending& sending,
                                                 const absl::Status& status) {
  const std::shared_ptr<PendingCall>& call = sending.call;
  const ErrorMetadata metadata = MetadataOf(status);
  const auto sha256 = metadata.find("sha256");
  const std::vector<std::string>& named = call->call.artifacts;
  if (sha256 == metadata.end() ||
      std::find(named.begin(), named.end(), sha256->second) == named.end() ||
      ++call->puts > kMaxPuts)
    return FinishWith(call, status);
  call->state = PendingCall::State::kWaiting;
  return [this, &stage, sending, artifact = sha256->second] {
    courier_->Bring(
        sending.replica->client, artifact,
        [weak = weak_from_this(), &stage, sending](const absl::Status& put) {
          if (const auto core = weak.lock()) core->Brought(stage, sending, put);
        });
  };
}

void DispatchCore::Brought(Stage& stage, const Sending& sending,
                           const absl::Status& status) {
  Action action;
  {
    MutexLock lock(&mutex_);
    const std::shared_ptr<PendingCall>& call = sending.call;
    if (call->state == PendingCall::State::kWaiting && !status.ok()) {
      const Verdict verdict = Judge(status);
      const bool elsewhere = verdict == Verdict::kTransport ||
                             verdict == Verdict::kElsewhere ||
                             verdict == Verdict::kFull;
      action = elsewhere ? RepeatAfterFailure(stage, sending, status)
                         : FinishWith(call, status);
    }
  }
  if (action)
    action();
  else
    Requeue(stage, sending.call);
  Pump(stage);
}

void DispatchCore::Requeue(Stage& stage,
                           const std::shared_ptr<PendingCall>& call) {
  {
    MutexLock lock(&mutex_);
    if (call->state != PendingCall::State::kWaiting) return;
    call->state = PendingCall::State::kQueued;
    stage.queue.Add(call);
  }
  Pump(stage);
}

DispatchCore::Action DispatchCore::Finish(
    const std::shared_ptr<PendingCall>& call, StageResult result) {
  call->state = PendingCall::State::kDone;
  call->open = nullptr;
  result.replica = call->replica;
  result.attempts = call->sent;
  const auto job = jobs_.find(call->call.job);
  job->second.calls.erase(call);
  DropIfOver(call->call.job);
  return [done = std::move(call->done), result = std::move(result)]() mutable {
    done(std::move(result));
  };
}

DispatchCore::Action DispatchCore::FinishWith(
    const std::shared_ptr<PendingCall>& call, const absl::Status& status) {
  StageResult result;
  result.status = status;
  return Finish(call, std::move(result));
}

void DispatchCore::DropIfOver(const std::string& job) {
  const auto found = jobs_.find(job);
  if (found != jobs_.end() && found->second.forgotten &&
      found->second.calls.empty() && found->second.fits.empty())
    jobs_.erase(found);
}

std::vector<std::shared_ptr<OpenCall>> DispatchCore::CancelLocked(
    Job& job, const std::string& name) {
  std::vector<std::shared_ptr<OpenCall>> open;
  for (DispatchedFit* const fit : job.fits) fit->CancelByJob();
  const auto calls = job.calls;  // Finish takes them out.
  for (const auto& call : calls) {
    if (call->state == PendingCall::State::kQueued)
      Find(call->call.stage)->queue.Remove(*call);
    if (call->open != nullptr) open.push_back(call->open);
    answers_.push_back(FinishWith(call, JobCancelled(name)));
  }
  return open;
}

void DispatchCore::CancelJob(const std::string& job) {
  std::vector<std::shared_ptr<OpenCall>> open;
  {
    MutexLock lock(&mutex_);
    const auto found = jobs_.find(job);
    if (found != jobs_.end()) open = CancelLocked(found->second, job);
  }
  for (const auto& call : open) call->Cancel();
  RunAnswersSoon();
}

void DispatchCore::Stop() {
  std::vector<std::shared_ptr<OpenCall>> open;
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
    std::vector<std::string> names;
    for (const auto& [name, job] : jobs_) names.push_back(name);
    for (const std::string& name : names)
      for (auto& call : CancelLocked(jobs_[name], name))
        open.push_back(std::move(call));
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

void DispatchCore::AddFit(const std::string& job, DispatchedFit* fit) {
  MutexLock lock(&mutex_);
  jobs_[job].fits.insert(fit);
}

void DispatchCore::RemoveFit(const std::string& job, DispatchedFit* fit) {
  MutexLock lock(&mutex_);
  jobs_[job].fits.erase(fit);
  DropIfOver(job);
}

std::vector<std::string> DispatchCore::StalledStages(absl::string_view job) {
  std::set<std::string> waiting;
  {
    MutexLock lock(&mutex_);
    for (const auto& [name, entry] : jobs_) {
      if (!job.empty() && name != job) continue;
      for (const auto& call : entry.calls)
        if (call->state != PendingCall::State::kOpen)
          waiting.insert(call->call.stage);
    }
  }
  std::vector<std::string> stalled;
  for (const std::string& name : order_)
    if (waiting.contains(name) && !Find(name)->replicas->HasServing())
      stalled.push_back(name);
  return stalled;
}

JobLoad DispatchCore::LoadOf(const std::string& job) {
  JobLoad load;
  MutexLock lock(&mutex_);
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return load;
  load.retries = found->second.retries;
  for (const auto& call : found->second.calls)
    ++(call->state == PendingCall::State::kOpen
           ? load.in_flight
           : load.waiting)[call->call.stage];
  for (const DispatchedFit* const fit : found->second.fits)
    ++load.in_flight[fit->stage()];
  return load;
}

void DispatchCore::ForgetJob(const std::string& job) {
  MutexLock lock(&mutex_);
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  found->second.forgotten = true;
  DropIfOver(job);
}

}  // namespace troupe
