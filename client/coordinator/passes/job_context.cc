#include "client/coordinator/passes/job_context.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/coordinator/stages/reply_header.h"
#include "services/base/log.h"

namespace troupe {
namespace {

constexpr absl::Duration kLookEvery = absl::Milliseconds(100);
constexpr absl::Duration kPublishEvery = absl::Milliseconds(250);
// Who only asks is told at once that a stage has no replica; but one that a
// coordinator has just been told of is not asked for its health yet.
constexpr absl::Duration kFindingReplicas = absl::Milliseconds(500);

}  // namespace

JobContext::JobContext(const JobEnvironment* environment,
                       std::shared_ptr<LiveJob> live)
    : JobContext(environment, std::move(live), nullptr) {}

JobContext::JobContext(const JobEnvironment* environment,
                       std::shared_ptr<LiveJob> live,
                       std::function<bool()> caller_left)
    : environment_(environment),
      live_(std::move(live)),
      id_(live_->Get().job.id()),
      caller_left_(std::move(caller_left)) {
  last_look_ = last_publish_ = environment_->clock->Monotonic();
  meter_.Begin("", last_look_);
}

JobContext::~JobContext() { *present_ = false; }

pb::BatchId JobContext::Batch(int64_t number) const {
  pb::BatchId id;
  id.set_job(id_);
  id.set_number(number);
  id.set_epoch(environment_->jobs->epoch());
  return id;
}

void JobContext::Send(StageCall call, std::function<void(StageResult)> done) {
  call.job = id_;
  call.timeout = limits().call_timeout;
  // A batch that hangs is the batch's fault; the others have no isolation.
  if (IsBatchMethod(call.method)) call.work_limit = limits().work_limit;
  // Stages have a lane for what somebody waits for.
  if (live_->is_short()) call.lane = "online";
  environment_->calls->Dispatch(
      std::move(call), [events = live_->events(), present = present_,
                        done = std::move(done)](StageResult result) mutable {
        // The queue's events run on the job's thread, as does the destructor
        // that clears `present`.
        auto shared = std::make_shared<StageResult>(std::move(result));
        events->Post([present, done, shared] {
          if (*present) done(std::move(*shared));
        });
      });
}

absl::Status JobContext::Pump() {
  RETURN_IF_ERROR(Check());
  live_->events()->RunOne(kLookEvery);
  return Check();
}

absl::Status JobContext::Check() {
  switch (live_->stop()) {
    case LiveJob::Stop::kCancel:
      return JobCancelled(id_);
    case LiveJob::Stop::kSuspend:
      return MakeError(absl::StatusCode::kUnavailable, "JOB_SUSPENDED",
                       "the coordinator stops; the job goes on at its next "
                       "start");
    case LiveJob::Stop::kNot:
      break;
  }
  if (caller_left_ != nullptr && caller_left_()) return CallerLeft();
  const absl::Duration now = environment_->clock->Monotonic();
  if (now - last_look_ >= kLookEvery) {
    last_look_ = now;
    Look();
  }
  if (caller_left_ != nullptr)
    return !stalled_.empty() && now - stalled_since_ >= kFindingReplicas
               ? NoReplica(stalled_)
               : absl::OkStatus();
  const absl::Duration stalled =
      stalled_.empty() ? absl::ZeroDuration() : now - stalled_since_;
  if (live_->is_short() && (stalled > limits().short_stall ||
                            meter_.bytes_known() > limits().short_bytes))
    return NotShort(id_);
  if (!stalled_.empty() && stalled > limits().max_stall)
    return MakeError(
        absl::StatusCode::kUnavailable, "STALLED",
        absl::StrCat("no replica of ", absl::StrJoin(stalled_, ", "), " for ",
                     absl::FormatDuration(limits().max_stall),
                     "; start one, and resume the job"));
  return absl::OkStatus();
}

absl::Status JobContext::RequireServing(
    const std::vector<std::string>& stages) {
  const absl::Duration until =
      environment_->clock->Monotonic() + kFindingReplicas;
  while (true) {
    std::vector<std::string> missing;
    for (const std::string& stage : stages)
      if (!environment_->calls->HasServingReplica(stage) &&
          !absl::c_linear_search(missing, stage))
        missing.push_back(stage);
    if (missing.empty()) return absl::OkStatus();
    if (environment_->clock->Monotonic() >= until) return NoReplica(missing);
    RETURN_IF_ERROR(Pump());
  }
}

void JobContext::Look() {
  if (!stalled_by_caller_) {
    const auto stalled = environment_->calls->StalledStages(id_);
    SetStalled(stalled);
    stalled_by_caller_ = false;
  }
  if (environment_->clock->Monotonic() - last_publish_ >= kPublishEvery)
    Publish();
}

void JobContext::SetStalled(const std::vector<std::string>& stages) {
  stalled_by_caller_ = !stages.empty();
  if (stages == stalled_) return;
  if (stalled_.empty()) stalled_since_ = environment_->clock->Monotonic();
  stalled_ = stages;
  if (caller_left_ != nullptr) return;
  if (stalled_.empty()) {
    Log(LogLevel::kInfo, "job goes on", {{"job", id_}});
    Enter(working_state_).IgnoreError();
    return;
  }
  const std::string message =
      absl::StrCat("no replica of ", absl::StrJoin(stalled_, ", "),
                   " is serving; the job goes on when there is one");
  Log(LogLevel::kWarning, "job stalled",
      {{"job", id_}, {"stage", absl::StrJoin(stalled_, ",")}});
  Enter(pb::STALLED, message).IgnoreError();
}

absl::StatusOr<std::string> JobContext::Keep(const std::string& content) {
  return environment_->artifacts->Put(content, [this] { return Check(); });
}

void JobContext::BeginPhase(const std::string& phase, int64_t bytes) {
  meter_.Begin(phase, environment_->clock->Monotonic());
  meter_.SetTotal(bytes);
  Publish();
}

void JobContext::Publish() {
  last_publish_ = environment_->clock->Monotonic();
  const JobLoad load = environment_->calls->LoadOf(id_);
  live_->Change([&](pb::Job& job) {
    pb::Progress& progress = *job.mutable_progress();
    meter_.Fill(last_publish_, &progress);
    progress.set_retries(load.retries + own_retries_);
    progress.clear_in_flight();
    for (const auto& [stage, count] : load.in_flight)
      if (count > 0) (*progress.mutable_in_flight())[stage] = count;
  });
}

absl::Status JobContext::Enter(pb::JobState state, const std::string& message) {
  if (state == pb::PLANNING || state == pb::RUNNING) working_state_ = state;
  live_->Change([&](pb::Job& job) {
    // A cancelled job says so until it has ended.
    if (job.state() == pb::CANCELLING && !IsTerminal(state)) return;
    job.set_state(state);
    job.set_state_message(message);
  });
  if (caller_left_ != nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(live_->Record(
      [this](const pb::Job& job) { return environment_->jobs->Update(job); }));
  return AddEvent(pb::JobState_Name(state), message);
}

absl::Status JobContext::AddEvent(absl::string_view kind,
                                  absl::string_view message) {
  return environment_->journal->AddEvent(id_, environment_->clock->Now(), kind,
                                         message);
}

}  // namespace troupe
