// A Supervisor watches over the messages in the handlers of a process: it
// answers the one that runs beyond its work limit, cancels the one whose
// deadline passed, reports the one that hangs, and ends a drain at its
// deadline.
//
// Thread safety: Tick from one thread; the rest from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/actor/actor_thread.h"
#include "services/actor/mailbox.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace troupe {

// What is watched over.
struct Ward {
  std::string lane;
  Mailbox* mailbox = nullptr;
  ActorThread* thread = nullptr;
  // Since when the message runs that was reported as stuck; it is reported
  // once.
  std::optional<absl::Duration> reported = std::nullopt;
  bool overdue = false;  // Its message runs beyond its work limit.
};

// What is done about a handler that goes on after its work limit. Called from
// Tick.
struct OverdueActions {
  absl::Duration exit_after = absl::Seconds(10);  // Beyond the limit.
  std::function<void(bool overdue)> on_change;    // Of any lane.
  std::function<void()> exit;                     // It will not end by itself.
};

class Supervisor {
 public:
  // Reports messages that run longer than `stuck_after`. What the wards point
  // to must live as long as this object.
  Supervisor(std::string service, absl::Duration stuck_after,
             const Clock* clock, std::vector<Ward> wards,
             OverdueActions actions = {});

  // Looks at every lane once. Called every few ten milliseconds.
  void Tick();

  // From monotonic time `deadline` on, Tick bounces what is still waiting or
  // running. An earlier deadline replaces a later one.
  void EndDrainAt(absl::Duration deadline);

  // Bounces all waiting messages and gives up the running ones, at once.
  void BounceAll();

 private:
  void Look(Ward& ward, absl::Duration now);

  const std::string service_;
  const absl::Duration stuck_after_;
  const Clock* const clock_;
  std::vector<Ward> wards_;
  const OverdueActions actions_;
  bool overdue_ = false;

  Mutex mutex_;
  std::optional<absl::Duration> drain_deadline_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
