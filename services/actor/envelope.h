// An Envelope is one message on its way through an actor, with what travels
// with it and with the way back: it is answered exactly once, whatever happens.
//
// An envelope that is dropped unanswered answers INTERNAL (HANDLER_FAILED)
// itself. Every answer after the first is ignored and logged; the late answer
// of a handler that was given up is the usual one. An accepted envelope settles
// its account in the lane's Stats together with its answer.
//
// Thread safety: Answer may be called from any thread, also while another
// thread handles the message. The rest belongs to whoever holds the envelope:
// the sender, then the mailbox, then the actor's thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/actor/actor.h"
#include "services/actor/context.h"
#include "services/actor/stats.h"

namespace troupe {

class Envelope {
 public:
  // Called once, from any thread, with no lock held. Must not block.
  using ReplyCallback = std::function<void(absl::StatusOr<Reply>)>;

  Envelope(Message message, CallInfo info, std::shared_ptr<CancelToken> token,
           ReplyCallback on_reply);
  ~Envelope();
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;

  Message& message() { return message_; }
  const Message& message() const { return message_; }
  const CallInfo& info() const { return info_; }
  const std::shared_ptr<CancelToken>& token() const { return token_; }

  // A mailbox took it in at monotonic time `now`.
  void Accept(std::shared_ptr<Stats> stats, absl::Duration now);
  // It left the mailbox at `now`.
  void Leave(absl::Duration now) { waited_ = now - accepted_at_; }
  absl::Duration accepted_at() const { return accepted_at_; }

  // Answers it, and settles the account as `outcome`, after `worked` in the
  // handler. Returns false, and does nothing, when it is answered already.
  bool Answer(Outcome outcome, absl::StatusOr<Reply> reply,
              absl::Duration worked = absl::ZeroDuration());

 private:
  Message message_;
  const CallInfo info_;
  const std::shared_ptr<CancelToken> token_;
  ReplyCallback on_reply_;
  std::shared_ptr<Stats> stats_;  // Null until accepted.
  absl::Duration accepted_at_;
  absl::Duration waited_;
  std::atomic<bool> answered_{false};
};

}  // namespace troupe
