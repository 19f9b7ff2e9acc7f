#include "services/actor/mailbox.h"

#include <algorithm>
#include <utility>

#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {

Mailbox::Mailbox(MailboxOptions options, const Clock* clock,
                 std::shared_ptr<Stats> stats)
    : options_(std::move(options)), clock_(clock), stats_(std::move(stats)) {}

absl::Status Mailbox::Push(std::shared_ptr<Envelope> envelope) {
  bool wake = false;
  {
    MutexLock lock(&mutex_);
    RETURN_IF_ERROR(Accept(*envelope));
    wake = Enqueue(std::move(envelope));
  }
  if (wake) changed_.NotifyOne();
  return absl::OkStatus();
}

absl::StatusOr<Handover> Mailbox::Offer(
    const std::shared_ptr<Envelope>& envelope) {
  bool wake = false;
  {
    MutexLock lock(&mutex_);
    RETURN_IF_ERROR(Accept(*envelope));
    // A thread that sleeps has nothing in its hands.
    if (sleepers_ > woken_ && queue_.empty() && !lent_) {
      lent_ = true;
      return Handover::kYours;
    }
    wake = Enqueue(envelope);
  }
  if (wake) changed_.NotifyOne();
  return Handover::kQueued;
}

void Mailbox::Return() {
  MutexLock lock(&mutex_);
  lent_ = false;
  const bool more = !queue_.empty() || state_ != ActorState::kReady;
  // With the lock held: once it is released, this object may go.
  if (more && TakeSleeper()) changed_.NotifyOne();
}

absl::Status Mailbox::Accept(Envelope& envelope) {
  if (state_ == ActorState::kStarting) return NotReady(options_.service);
  if (state_ != ActorState::kReady) return Draining(options_.service);
  const auto depth = static_cast<int64_t>(queue_.size());
  const int64_t bytes = envelope.message().bytes;
  // Compared without a sum, which a hostile size could overflow.
  const bool fits =
      depth < options_.max_messages && bytes <= options_.max_bytes - bytes_;
  if (depth > 0 && !fits) return MailboxFull(depth, bytes_);
  envelope.Accept(stats_, clock_->Monotonic());
  return absl::OkStatus();
}

bool Mailbox::Enqueue(std::shared_ptr<Envelope> envelope) {
  bytes_ += envelope->message().bytes;
  queue_.push_back(std::move(envelope));
  // Waking a thread costs a thousand times what the queue does, so only one
  // that sleeps is woken, and not before it may have the message.
  return !lent_ && TakeSleeper();
}

bool Mailbox::TakeSleeper() {
  if (sleepers_ == woken_) return false;
  ++woken_;
  return true;
}

std::shared_ptr<Envelope> Mailbox::Pop() {
  MutexLock lock(&mutex_);
  while (queue_.empty() || lent_) {
    if (!lent_ && state_ != ActorState::kStarting &&
        state_ != ActorState::kReady)
      return nullptr;
    ++sleepers_;
    changed_.Wait(&mutex_);
    --sleepers_;
    woken_ = std::max(woken_ - 1, 0);
  }
  return TakeFirst();
}

std::shared_ptr<Envelope> Mailbox::TryPop() {
  MutexLock lock(&mutex_);
  return queue_.empty() || lent_ ? nullptr : TakeFirst();
}

std::shared_ptr<Envelope> Mailbox::TakeFirst() {
  std::shared_ptr<Envelope> first = std::move(queue_.front());
  queue_.pop_front();
  bytes_ -= first->message().bytes;
  return first;
}

void Mailbox::Open() {
  MutexLock lock(&mutex_);
  if (state_ == ActorState::kStarting) state_ = ActorState::kReady;
}

void Mailbox::Drain() {
  MutexLock lock(&mutex_);
  if (state_ == ActorState::kStopped) return;
  state_ = ActorState::kDraining;
  changed_.NotifyAll();
}

std::vector<std::shared_ptr<Envelope>> Mailbox::Close() {
  MutexLock lock(&mutex_);
  state_ = ActorState::kStopped;
  std::vector<std::shared_ptr<Envelope>> rest(
      std::make_move_iterator(queue_.begin()),
      std::make_move_iterator(queue_.end()));
  queue_.clear();
  bytes_ = 0;
  changed_.NotifyAll();
  return rest;
}

ActorState Mailbox::state() const {
  MutexLock lock(&mutex_);
  return state_;
}

bool Mailbox::finished() const {
  MutexLock lock(&mutex_);
  return queue_.empty() && !lent_ &&
         (state_ == ActorState::kDraining || state_ == ActorState::kStopped);
}

int64_t Mailbox::depth() const {
  MutexLock lock(&mutex_);
  return static_cast<int64_t>(queue_.size());
}

int64_t Mailbox::depth_bytes() const {
  MutexLock lock(&mutex_);
  return bytes_;
}

int64_t Mailbox::credit() const {
  MutexLock lock(&mutex_);
  if (state_ != ActorState::kReady) return 0;
  if (queue_.empty()) return std::max<int64_t>(options_.max_messages, 1);
  if (bytes_ >= options_.max_bytes) return 0;
  return std::max<int64_t>(
      options_.max_messages - static_cast<int64_t>(queue_.size()), 0);
}

absl::Duration Mailbox::oldest_age() const {
  MutexLock lock(&mutex_);
  if (queue_.empty()) return absl::ZeroDuration();
  return clock_->Monotonic() - queue_.front()->accepted_at();
}

}  // namespace troupe
