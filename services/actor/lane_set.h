// A LaneSet is one process's actor at work: its lanes, each a mailbox with a
// thread, or several where messages wait for a disk rather than compute, and
// the supervisor over them. Lanes exist because overtaking in a queue does not
// overtake a running message: a fit of 20 minutes must not make batches wait,
// nor a batch a single online row.
//
// Thread safety: Start, AwaitStopped and the destructor from one thread; the
// rest from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/actor/actor.h"
#include "services/actor/actor_thread.h"
#include "services/actor/envelope.h"
#include "services/actor/executor.h"
#include "services/actor/mailbox.h"
#include "services/actor/stats.h"
#include "services/actor/supervisor.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace troupe {

struct LaneOptions {
  std::string name;
  int64_t max_messages = 64;
  int64_t max_bytes = int64_t{256} << 20;
  int threads = 1;  // So many messages run at once.
};

// What the thread that submits a message may do.
enum class Submitter {
  kGoesOn,     // Nothing that takes time.
  kMayHandle,  // Handle it, where that is quicker than waking another thread.
};

struct LaneSetOptions {
  std::string service;  // The actor's name.
  std::vector<LaneOptions> lanes;
  absl::Duration stuck_after = absl::Seconds(60);
  OverdueActions overdue = {};
  // Runs whenever the supervisor looks: every 50 ms, except while there is
  // nothing to look at.
  std::function<void()> on_tick = {};
};

// How to stop.
enum class StopMode {
  kDrain,  // Works off what was accepted.
  kNow,    // Bounces it, and cancels what runs.
};

// What one lane is doing.
struct LaneSnapshot {
  std::string name;
  int64_t depth = 0;
  int64_t capacity = 0;
  int64_t depth_bytes = 0;
  int64_t capacity_bytes = 0;
  absl::Duration oldest_age;
  // Of the message that runs longest.
  absl::Duration running_time;  // Zero when idle.
  std::string running_method;   // Empty when idle.
  LaneCounters counters;
};

class LaneSet {
 public:
  // `actor`, `clock` and `executor` must live as long as this object. An
  // executor that runs no loops makes every step the caller's (Step, Tick).
  LaneSet(LaneSetOptions options, Actor* actor, const Clock* clock,
          Executor* executor);
  // Stops now, and waits for the handlers.
  ~LaneSet();

  // Runs OnStart, then takes messages. Returns OnStart's error, after which
  // nothing can be submitted; or UNAVAILABLE (DRAINING) when Stop came first.
  absl::Status Start();

  // Hands `envelope` to the lane of that name, or answers it at once with why
  // not: MAILBOX_FULL, NOT_READY, DRAINING, or INVALID_ARGUMENT for a lane that
  // is not there. Never blocks, except that it may handle a small message of an
  // idle lane itself, with kMayHandle, where the last ones were quick.
  void Submit(absl::string_view lane, std::shared_ptr<Envelope> envelope,
              Submitter submitter = Submitter::kGoesOn);

  // Begins to stop; what has not been handled `drain_time` from now is bounced.
  // Returns at once: whether this call began it. Idempotent; kNow after kDrain
  // hastens it, and of several drain times the one that ends first counts.
  bool Stop(StopMode mode, absl::Duration drain_time);

  // Waits until every lane has stopped, then runs OnStop (once). Returns false
  // when a handler still ran after `timeout`; OnStop was not run then.
  bool AwaitStopped(absl::Duration timeout);

  ActorState state() const;
  std::vector<LaneSnapshot> Snapshot() const;

  // Handles one message of `lane` on the calling thread. Returns false when
  // none waits. Only with an executor that runs no loops.
  bool Step(absl::string_view lane);
  // Lets the supervisor look once. Likewise.
  void Tick() { supervisor_->Tick(); }

 private:
  struct Lane {
    Lane(const LaneSetOptions& set, const LaneOptions& options, Actor* actor,
         const Clock* clock);

    const std::string name;
    const std::shared_ptr<Stats> stats;
    Mailbox mailbox;
    std::vector<std::unique_ptr<ActorThread>> threads;
    size_t running = 0;  // Loops; guarded by LaneSet::mutex_.
  };

  // Hands it over, or handles it; an error when it was not accepted.
  absl::Status Enter(Lane& lane, const std::shared_ptr<Envelope>& envelope,
                     Submitter submitter);
  Lane* Find(absl::string_view name) const;
  absl::Status RunOnStart();
  void RunOnStop();
  void LoopEnded(Lane* lane);
  bool all_stopped() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunLane(Lane* lane, ActorThread* thread);
  void RunSupervisor();
  // Whether no message waits or is in a handler, and none is on its way out.
  bool Idle() const;
  void SleepWhileIdle();
  // Comes after a message was accepted.
  void WakeSupervisor();

  const LaneSetOptions options_;
  Actor* const actor_;
  const Clock* const clock_;
  Executor* const executor_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<Supervisor> supervisor_;

  mutable Mutex mutex_;  // Guards the life of the set.
  CondVar changed_;
  ActorState state_ ABSL_GUARDED_BY(mutex_) = ActorState::kStarting;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;  // OnStart succeeded.
  // Set before the supervisor sees that there is nothing to look at, and read
  // after a message was accepted: one of the two sees the other.
  std::atomic<bool> supervisor_sleeps_{false};
};

}  // namespace troupe
