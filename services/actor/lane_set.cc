#include "services/actor/lane_set.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(50);

// What is longer may take longer than those before it.
constexpr int64_t kSmallBytes = 1 << 20;

}  // namespace

LaneSet::Lane::Lane(const LaneSetOptions& set, const LaneOptions& options,
                    Actor* actor, const Clock* clock)
    : name(options.name),
      stats(std::make_shared<Stats>()),
      mailbox({set.service, options.max_messages, options.max_bytes}, clock,
              stats) {
  for (int i = 0; i < options.threads; ++i)
    threads.push_back(
        std::make_unique<ActorThread>(set.service, &mailbox, actor, clock));
}

LaneSet::LaneSet(LaneSetOptions options, Actor* actor, const Clock* clock,
                 Executor* executor)
    : options_(std::move(options)),
      actor_(actor),
      clock_(clock),
      executor_(executor) {
  std::vector<Ward> wards;
  for (const LaneOptions& lane : options_.lanes) {
    lanes_.push_back(std::make_unique<Lane>(options_, lane, actor, clock));
    for (const auto& thread : lanes_.back()->threads)
      wards.push_back({lane.name, &lanes_.back()->mailbox, thread.get()});
  }
  supervisor_ =
      std::make_unique<Supervisor>(options_.service, options_.stuck_after,
                                   clock, std::move(wards), options_.overdue);
}

LaneSet::~LaneSet() {
  Stop(StopMode::kNow, absl::ZeroDuration());
  executor_->Join();
  AwaitStopped(absl::ZeroDuration());
}

absl::Status LaneSet::Start() {
  const absl::Status begun = RunOnStart();
  bool stop_came_first = false;
  {
    MutexLock lock(&mutex_);
    started_ = begun.ok();
    stop_came_first = state_ != ActorState::kStarting;
    if (begun.ok() && !stop_came_first) {
      state_ = ActorState::kReady;
      // Under the lock, so that Stop comes before all of it or after.
      for (auto& lane : lanes_) {
        lane->running = lane->threads.size();
        lane->mailbox.Open();
      }
    }
  }
  if (!begun.ok()) {
    Stop(StopMode::kNow, absl::ZeroDuration());
    return begun;
  }
  if (stop_came_first) return Draining(options_.service);
  for (auto& lane : lanes_)
    for (auto& thread : lane->threads)
      executor_->Start([this, lane = lane.get(), thread = thread.get()] {
        RunLane(lane, thread);
      });
  executor_->Start([this] { RunSupervisor(); });
  return absl::OkStatus();
}

absl::Status LaneSet::RunOnStart() {
  try {
    return actor_->OnStart();
  } catch (const std::exception& error) {
    return HandlerFailed(options_.service, error.what());
  } catch (...) {
    return HandlerFailed(options_.service, "unknown exception");
  }
}

void LaneSet::RunOnStop() {
  try {
    actor_->OnStop();
  } catch (const std::exception& error) {
    LogError("OnStop failed", HandlerFailed(options_.service, error.what()));
  } catch (...) {
    LogError("OnStop failed", HandlerFailed(options_.service, "unknown"));
  }
}

void LaneSet::Submit(absl::string_view lane_name,
                     std::shared_ptr<Envelope> envelope, Submitter submitter) {
  Lane* const lane = Find(lane_name);
  if (lane == nullptr) {
    envelope->Answer(Outcome::kFailed,
                     BadMessage(absl::StrCat("no lane \"", lane_name, "\"")));
    return;
  }
  absl::Status entered = Enter(*lane, envelope, submitter);
  if (entered.ok()) return;
  lane->stats->Reject(ReasonOf(entered));
  envelope->Answer(Outcome::kFailed, std::move(entered));
}

absl::Status LaneSet::Enter(Lane& lane,
                            const std::shared_ptr<Envelope>& envelope,
                            Submitter submitter) {
  ActorThread& thread = *lane.threads.front();
  if (submitter == Submitter::kGoesOn || lane.threads.size() > 1 ||
      !thread.quick() || envelope->message().bytes > kSmallBytes) {
    RETURN_IF_ERROR(lane.mailbox.Push(envelope));
    WakeSupervisor();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Handover handover, lane.mailbox.Offer(envelope));
  WakeSupervisor();
  if (handover == Handover::kQueued) return absl::OkStatus();
  thread.Handle(envelope);
  lane.mailbox.Return();
  return absl::OkStatus();
}

bool LaneSet::Stop(StopMode mode, absl::Duration drain_time) {
  bool began = false;
  {
    MutexLock lock(&mutex_);
    began = state_ == ActorState::kStarting || state_ == ActorState::kReady;
    if (began) {
      state_ = ActorState::kDraining;
      for (auto& lane : lanes_) lane->mailbox.Drain();
      changed_.NotifyAll();
    }
  }
  if (mode == StopMode::kNow)
    supervisor_->BounceAll();
  else
    supervisor_->EndDrainAt(clock_->Monotonic() + drain_time);
  return began;
}

bool LaneSet::AwaitStopped(absl::Duration timeout) {
  bool run_on_stop = false;
  {
    const absl::Duration until = Clock::Real()->Monotonic() + timeout;
    MutexLock lock(&mutex_);
    while (!all_stopped()) {
      const absl::Duration left = until - Clock::Real()->Monotonic();
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(&mutex_, left);
    }
    run_on_stop = started_;
    started_ = false;
    state_ = ActorState::kStopped;
    changed_.NotifyAll();
  }
  if (run_on_stop) RunOnStop();
  return true;
}

ActorState LaneSet::state() const {
  MutexLock lock(&mutex_);
  return state_;
}

std::vector<LaneSnapshot> LaneSet::Snapshot() const {
  std::vector<LaneSnapshot> snapshots;
  for (const auto& lane : lanes_) {
    LaneSnapshot& shot = snapshots.emplace_back();
    shot.name = lane->name;
    shot.depth = lane->mailbox.depth();
    shot.capacity = lane->mailbox.options().max_messages;
    shot.depth_bytes = lane->mailbox.depth_bytes();
    shot.capacity_bytes = lane->mailbox.options().max_bytes;
    shot.oldest_age = lane->mailbox.oldest_age();
    for (const auto& thread : lane->threads) {
      const auto running = thread->running();
      if (!running.has_value()) continue;
      const absl::Duration time = clock_->Monotonic() - running->since;
      if (!shot.running_method.empty() && time <= shot.running_time) continue;
      shot.running_time = time;
      shot.running_method = running->envelope->message().method;
    }
    shot.counters = lane->stats->Read();
  }
  return snapshots;
}

bool LaneSet::Step(absl::string_view lane_name) {
  Lane* const lane = Find(lane_name);
  if (lane == nullptr) return false;
  const bool handled = lane->threads.front()->HandleNext(Wait::kNot);
  if (lane->mailbox.finished()) {
    MutexLock lock(&mutex_);
    lane->running = 0;
    changed_.NotifyAll();
  }
  return handled;
}

LaneSet::Lane* LaneSet::Find(absl::string_view name) const {
  const auto found =
      std::find_if(lanes_.begin(), lanes_.end(),
                   [name](const auto& lane) { return lane->name == name; });
  return found == lanes_.end() ? nullptr : found->get();
}

void LaneSet::LoopEnded(Lane* lane) {
  MutexLock lock(&mutex_);
  --lane->running;
  changed_.NotifyAll();
}

bool LaneSet::all_stopped() const {
  return state_ != ActorState::kStarting && state_ != ActorState::kReady &&
         std::all_of(lanes_.begin(), lanes_.end(),
                     [](const auto& lane) { return lane->running == 0; });
}

void LaneSet::RunLane(Lane* lane, ActorThread* thread) {
  while (thread->HandleNext(Wait::kForMessage)) {
  }
  LoopEnded(lane);
}

void LaneSet::RunSupervisor() {
  bool idle = false;
  while (true) {
    const bool was_idle = std::exchange(idle, Idle());
    supervisor_->Tick();
    if (options_.on_tick) options_.on_tick();
    // One more look after the last message: it may have been overdue.
    if (was_idle && idle) SleepWhileIdle();
    MutexLock lock(&mutex_);
    if (all_stopped()) return;
    changed_.WaitFor(&mutex_, kTick);
  }
}

bool LaneSet::Idle() const {
  return std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) {
    return lane->stats->Read().in_flight == 0 &&
           std::none_of(lane->threads.begin(), lane->threads.end(),
                        [](const auto& thread) {
                          return thread->running().has_value();
                        });
  });
}

void LaneSet::SleepWhileIdle() {
  supervisor_sleeps_ = true;
  if (!Idle()) {
    supervisor_sleeps_ = false;
    return;
  }
  MutexLock lock(&mutex_);
  while (supervisor_sleeps_ && state_ == ActorState::kReady)
    changed_.Wait(&mutex_);
  supervisor_sleeps_ = false;
}

void LaneSet::WakeSupervisor() {
  if (!supervisor_sleeps_ || !supervisor_sleeps_.exchange(false)) return;
  MutexLock lock(&mutex_);
  changed_.NotifyAll();
}

}  // namespace troupe
