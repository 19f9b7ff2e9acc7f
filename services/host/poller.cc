#include "services/host/poller.h"

#include <iterator>

#include "services/host/rpc_event.h"

namespace troupe {
namespace {

// A message that is handled on the polling thread should take microseconds.
constexpr absl::Duration kLong = absl::Milliseconds(5);

}  // namespace

Poller::Busy::Busy(Poller* poller) : poller_(poller) {
  const absl::Duration now = poller_->clock_->Monotonic();
  MutexLock lock(&poller_->mutex_);
  turn_ = poller_->turn_;
  poller_->busy_since_ = now;
}

Poller::Busy::~Busy() {
  MutexLock lock(&poller_->mutex_);
  if (turn_ == poller_->turn_) poller_->busy_since_.reset();
}

Poller::Poller(grpc::CompletionQueue* queue, const Clock* clock)
    : queue_(queue), clock_(clock) {}

Poller::~Poller() {
  std::list<Turn> turns;
  {
    MutexLock lock(&mutex_);
    turns.swap(turns_);  // A thread that ends finds its place by a pointer.
  }
  for (Turn& turn : turns) turn.thread.join();
}

void Poller::Start() {
  MutexLock lock(&mutex_);
  StartThread();
}

void Poller::StartThread() {
  Turn* const turn = &turns_.emplace_back();
  ++turn_;
  busy_since_.reset();
  turn->thread =
      std::thread([this, turn, number = turn_] { Run(number, turn); });
}

void Poller::Run(int64_t turn, Turn* own) {
  const bool ended = Poll(turn);
  MutexLock lock(&mutex_);
  own->over = true;
  if (!ended) return;
  ended_ = true;
  ended_changed_.NotifyAll();
}

bool Poller::Poll(int64_t turn) {
  void* tag = nullptr;
  bool ok = false;
  while (IsTurn(turn)) {
    if (!queue_->Next(&tag, &ok)) return true;
    static_cast<RpcEvent*>(tag)->Happen(ok);
  }
  return false;
}

bool Poller::IsTurn(int64_t turn) {
  MutexLock lock(&mutex_);
  return turn_ == turn;
}

void Poller::Relieve() {
  MutexLock lock(&mutex_);
  if (!busy_since_.has_value() || clock_->Monotonic() - *busy_since_ < kLong)
    return;
  JoinOver();
  StartThread();
}

void Poller::JoinOver() {
  for (auto turn = turns_.begin(); turn != turns_.end();) {
    if (turn->over) turn->thread.join();
    turn = turn->over ? turns_.erase(turn) : std::next(turn);
  }
}

void Poller::AwaitEnd() {
  {
    MutexLock lock(&mutex_);
    while (turn_ > 0 && !ended_) ended_changed_.Wait(&mutex_);
    if (ended_) return;
  }
  Poll(0);
}

}  // namespace troupe
