#include "tests/bench/bench_chain/chain.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace troupe::bench {
namespace {

void Pause(absl::Duration time) {
  std::this_thread::sleep_for(absl::ToChronoMicroseconds(time));
}

}  // namespace

void Chain::Answered(int place, bool ok) {
  int hop = 0;
  {
    const absl::Duration now = clock_->Monotonic();
    MutexLock lock(&mutex_);
    Place& at = places_[static_cast<size_t>(place)];
    const bool over = !ok || ++at.hop == hops_;
    if (over) {
      if (!ok) ++measured_.failed;
      if (ok && phase_ == Phase::kMeasure)
        measured_.latencies.push_back(
            absl::ToDoubleMicroseconds(now - at.since));
      if (phase_ == Phase::kEnd || !ok) {
        if (--open_ == 0) idle_.NotifyAll();
        return;
      }
      at.hop = 0;
      at.since = now;
    }
    hop = at.hop;
  }
  link_->Send(place, hop);
}

void Chain::Begin(int place) {
  {
    MutexLock lock(&mutex_);
    places_[static_cast<size_t>(place)] = {0, clock_->Monotonic()};
    ++open_;
  }
  link_->Send(place, 0);
}

void Chain::WaitUntilIdle() {
  MutexLock lock(&mutex_);
  while (open_ > 0) idle_.Wait(&mutex_);
}

void Chain::Connect(Link& link) {
  link_ = &link;
  Begin(0);
  WaitUntilIdle();
}

Measured Chain::Run(Link& link, absl::Duration warm_up, absl::Duration time) {
  Connect(link);
  int places = 0;
  {
    MutexLock lock(&mutex_);
    places = static_cast<int>(places_.size());
    phase_ = Phase::kWarmUp;
  }
  for (int place = 0; place < places; ++place) Begin(place);
  Pause(warm_up);
  const absl::Duration start = clock_->Monotonic();
  {
    MutexLock lock(&mutex_);
    phase_ = Phase::kMeasure;
  }
  Pause(time);
  Measured measured;
  {
    MutexLock lock(&mutex_);
    phase_ = Phase::kEnd;
    measured_.seconds = absl::ToDoubleSeconds(clock_->Monotonic() - start);
    measured = std::move(measured_);
  }
  WaitUntilIdle();
  std::sort(measured.latencies.begin(), measured.latencies.end());
  return measured;
}

Measured Chain::RunWithGaps(Link& link, absl::Duration gap,
                            absl::Duration time) {
  Connect(link);
  Measured measured;
  const absl::Duration start = clock_->Monotonic();
  while (clock_->Monotonic() - start < time) {
    Pause(gap);
    const absl::Duration sent = clock_->Monotonic();
    Begin(0);
    WaitUntilIdle();
    measured.latencies.push_back(
        absl::ToDoubleMicroseconds(clock_->Monotonic() - sent));
  }
  MutexLock lock(&mutex_);
  measured.failed = measured_.failed;
  measured.seconds = absl::ToDoubleSeconds(clock_->Monotonic() - start);
  std::sort(measured.latencies.begin(), measured.latencies.end());
  return measured;
}

}  // namespace troupe::bench
