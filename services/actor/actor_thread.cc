#include "services/actor/actor_thread.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "services/base/errors.h"

namespace troupe {
namespace {

// Waking another thread takes 20 to 26 us, and waking the one that completes
// the answer as much again; besides, what a message brings is still in this
// core's cache. Measured with tables of 64 KiB to 1 MiB
// (services/DECISIONS.md).
constexpr absl::Duration kQuick = absl::Microseconds(150);
// A message that is slow after so many quick ones is rare.
constexpr int kQuickEnough = 16;
// One that was interrupted says little: each weighs as much as so many quick
// ones, of at most kMostQuick that are remembered. A slow one says much.
constexpr int kInterrupted = 16;
constexpr int kMostQuick = 64;
constexpr absl::Duration kSlow = absl::Milliseconds(1);

}  // namespace

ActorThread::ActorThread(std::string service, Mailbox* mailbox, Actor* actor,
                         const Clock* clock)
    : service_(std::move(service)),
      mailbox_(mailbox),
      actor_(actor),
      clock_(clock) {}

bool ActorThread::HandleNext(Wait wait) {
  const std::shared_ptr<Envelope> envelope =
      wait == Wait::kForMessage ? mailbox_->Pop() : mailbox_->TryPop();
  if (envelope == nullptr) return false;
  Handle(envelope);
  return true;
}

void ActorThread::Handle(const std::shared_ptr<Envelope>& envelope) {
  // What nobody waits for any more is answered, not executed.
  const absl::Duration begun = clock_->Monotonic();
  envelope->Leave(begun);
  if (begun >= envelope->info().deadline) {
    envelope->Answer(Outcome::kExpired, ExpiredInQueue());
    return;
  }
  if (envelope->token()->cancelled()) {
    envelope->Answer(Outcome::kCancelled, CallerLeft());
    return;
  }

  // From here on the supervisor sees the message, and may answer it first: when
  // it runs beyond its limit, or the process stops without waiting for it.
  if (!Enter(envelope, begun)) {
    envelope->Answer(Outcome::kBounced, Draining(service_));
    return;
  }
  absl::StatusOr<Reply> reply = Receive(*envelope);
  Exit();

  const Outcome outcome = reply.ok() ? Outcome::kSucceeded : Outcome::kFailed;
  const absl::Duration worked = clock_->Monotonic() - begun;
  Learn(worked);
  envelope->Answer(outcome, std::move(reply), worked);
}

bool ActorThread::quick() const {
  return quickness_.load(std::memory_order_relaxed) >= kQuickEnough;
}

void ActorThread::Learn(absl::Duration worked) {
  const int before = quickness_.load(std::memory_order_relaxed);
  int now = std::min(before + 1, kMostQuick);
  if (worked > kQuick) now = std::max(before - kInterrupted, 0);
  if (worked > kSlow) now = 0;
  if (now != before) quickness_.store(now, std::memory_order_relaxed);
}

absl::StatusOr<Reply> ActorThread::Receive(Envelope& envelope) {
  const Context context(envelope.info(), envelope.token(),
                        [mailbox = mailbox_] { return mailbox->credit(); });
  try {
    return actor_->OnReceive(envelope.message(), context);
  } catch (const std::exception& error) {
    return HandlerFailed(service_, error.what());
  } catch (...) {
    return HandlerFailed(service_, "unknown exception");
  }
}

bool ActorThread::Enter(const std::shared_ptr<Envelope>& envelope,
                        absl::Duration now) {
  MutexLock lock(&mutex_);
  if (abandoned_) return false;
  running_ = Running{envelope, now};
  return true;
}

void ActorThread::Exit() {
  MutexLock lock(&mutex_);
  running_.reset();
}

std::optional<Running> ActorThread::running() const {
  MutexLock lock(&mutex_);
  return running_;
}

void ActorThread::Abandon() {
  std::optional<Running> given_up;
  {
    MutexLock lock(&mutex_);
    abandoned_ = true;
    given_up = running_;
  }
  if (!given_up.has_value()) return;
  // Answered first: a handler that sees its token must not answer before.
  given_up->envelope->Answer(Outcome::kBounced, Draining(service_),
                             clock_->Monotonic() - given_up->since);
  given_up->envelope->token()->Cancel();
}

}  // namespace troupe
