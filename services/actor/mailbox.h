// A Mailbox is the bounded queue in front of one lane of an actor. It never
// blocks a sender, and never drops what it accepted.
//
// There is one class of messages. What must work while the mailbox is full or
// its actor busy (Stop, GetStats, health) is answered beside the mailbox, by
// the host, and needs no way to overtake.
//
// Thread safety: any thread may call Push, Offer, Open, Drain, Close and the
// getters. Only the lane's own threads may call Pop and TryPop, and a mailbox
// with several of them gets no Offer; only the thread that was told to handle a
// message may call Return.
//
// Invariant: state, queue and byte count change under one lock, so no message
// slips in behind a Drain or Close and waits for ever.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/actor/envelope.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace troupe {

// The life of a mailbox, and of its actor; never goes back.
enum class ActorState {
  kStarting,  // Rejects messages: NOT_READY.
  kReady,     // Takes messages.
  kDraining,  // Rejects messages (DRAINING), hands out the accepted ones.
  kStopped,   // Rejects messages (DRAINING), hands out none.
};

// Who handles a message that was accepted.
enum class Handover {
  kQueued,  // The lane's thread.
  kYours,   // The caller, now; then it calls Mailbox::Return.
};

struct MailboxOptions {
  std::string service;  // For messages.
  int64_t max_messages = 64;
  int64_t max_bytes = int64_t{256} << 20;
};

class Mailbox {
 public:
  Mailbox(MailboxOptions options, const Clock* clock,
          std::shared_ptr<Stats> stats);

  // Accepts `envelope`, or says at once why not, and leaves it unanswered:
  // RESOURCE_EXHAUSTED (MAILBOX_FULL), UNAVAILABLE (NOT_READY, DRAINING). An
  // empty mailbox accepts a message of any size. Never blocks.
  absl::Status Push(std::shared_ptr<Envelope> envelope);

  // As Push. Where nothing waits and the lane's thread sleeps, the message does
  // not enter the queue, and nobody is woken: the caller has the lane, and Pop
  // hands out nothing, until Return.
  absl::StatusOr<Handover> Offer(const std::shared_ptr<Envelope>& envelope);
  void Return();

  // Waits for the oldest message and returns it. Returns null once no more can
  // come: drained and empty, or stopped.
  std::shared_ptr<Envelope> Pop();

  // The oldest message, or null where there is none.
  std::shared_ptr<Envelope> TryPop();

  // STARTING -> READY. Without effect in other states.
  void Open();
  // -> DRAINING. Without effect when stopped.
  void Drain();
  // -> STOPPED. Returns the messages that were waiting, for the caller to
  // answer; none the second time.
  std::vector<std::shared_ptr<Envelope>> Close();

  ActorState state() const;
  // Whether nothing is left and nothing can come.
  bool finished() const;
  int64_t depth() const;
  int64_t depth_bytes() const;
  // How many more messages it would take now.
  int64_t credit() const;
  // Age of the oldest waiting message; zero when none waits.
  absl::Duration oldest_age() const;
  const MailboxOptions& options() const { return options_; }

 private:
  absl::Status Accept(Envelope& envelope) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns whether the lane's thread has to be woken for it.
  bool Enqueue(std::shared_ptr<Envelope> envelope)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<Envelope> TakeFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether a thread sleeps that nobody has woken; that changes with the
  // answer.
  bool TakeSleeper() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const MailboxOptions options_;
  const Clock* const clock_;
  const std::shared_ptr<Stats> stats_;

  mutable Mutex mutex_;  // Guards everything below.
  CondVar changed_;
  ActorState state_ ABSL_GUARDED_BY(mutex_) = ActorState::kStarting;
  std::deque<std::shared_ptr<Envelope>> queue_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Threads that sleep in Pop, and those of them that were woken.
  int sleepers_ ABSL_GUARDED_BY(mutex_) = 0;
  int woken_ ABSL_GUARDED_BY(mutex_) = 0;
  bool lent_ ABSL_GUARDED_BY(mutex_) = false;  // Between Offer and Return.
};

}  // namespace troupe
