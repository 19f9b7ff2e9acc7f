// An ActorThread takes the messages of one mailbox through an actor, one at a
// time: Handle is the whole story of a message.
//
// Thread safety: HandleNext from one thread; Handle from a thread to which the
// mailbox gave the message to handle; the rest from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/actor/actor.h"
#include "services/actor/envelope.h"
#include "services/actor/mailbox.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace troupe {

// The message that is being handled, and since when (monotonic).
struct Running {
  std::shared_ptr<Envelope> envelope;
  absl::Duration since;
};

enum class Wait { kForMessage, kNot };

class ActorThread {
 public:
  // `mailbox`, `actor` and `clock` must live as long as this object.
  ActorThread(std::string service, Mailbox* mailbox, Actor* actor,
              const Clock* clock);

  // Handles one message. Returns false when there was none: with kForMessage
  // no more will come, with kNot none is there now.
  bool HandleNext(Wait wait);

  // Handles this message, which has left the mailbox or never entered it.
  void Handle(const std::shared_ptr<Envelope>& envelope);

  // Whether its last messages took so little time that handing them to another
  // thread would take longer.
  bool quick() const;

  // The message in the handler now, if any.
  std::optional<Running> running() const;

  // Gives up the message in the handler, and any that was already taken from
  // the mailbox: cancels it and answers UNAVAILABLE (DRAINING).
  void Abandon();

 private:
  absl::StatusOr<Reply> Receive(Envelope& envelope);
  void Learn(absl::Duration worked);
  bool Enter(const std::shared_ptr<Envelope>& envelope, absl::Duration now);
  void Exit();

  const std::string service_;
  Mailbox* const mailbox_;
  Actor* const actor_;
  const Clock* const clock_;

  // How many messages were quick lately. Written by whoever handles.
  std::atomic<int> quickness_{0};

  mutable Mutex mutex_;  // Guards what other threads look at.
  std::optional<Running> running_ ABSL_GUARDED_BY(mutex_);
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace troupe
