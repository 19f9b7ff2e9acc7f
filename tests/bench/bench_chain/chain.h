// A Chain sends messages through a row of stages, a fixed number of them at a
// time, and measures how long each is on its way. The ways to send are Links.
//
// Thread safety: Answered from any thread; the rest from the thread that made
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace troupe::bench {

// Sends one message at a time for each of its places. A Link keeps the table of
// each place, and hands on what the hop before answered.
class Link {
 public:
  virtual ~Link() = default;
  // Sends the message of `place` to stage `hop`; then `answered(place, ok)`
  // runs, on any thread. At hop 0 the message is a new one.
  virtual void Send(int place, int hop) = 0;
};

using Answered = std::function<void(int place, bool ok)>;

struct Measured {
  double seconds = 0;
  std::vector<double> latencies;  // Microseconds, rising.
  int64_t failed = 0;
};

class Chain {
 public:
  Chain(int hops, int concurrency) : hops_(hops), places_(concurrency) {}

  void Answered(int place, bool ok);

  // Keeps `concurrency` messages on their way; counts those that ended within
  // `time` after the `warm_up`. Waits until none is on its way.
  Measured Run(Link& link, absl::Duration warm_up, absl::Duration time);
  // Sends one message after each `gap`, as long as `time` lasts.
  Measured RunWithGaps(Link& link, absl::Duration gap, absl::Duration time);

 private:
  struct Place {
    int hop = 0;
    absl::Duration since;
  };
  enum class Phase { kWarmUp, kMeasure, kEnd };

  void Begin(int place);
  void WaitUntilIdle();
  // Sends one message, so that every connection is made.
  void Connect(Link& link);

  const int hops_;
  Link* link_ = nullptr;
  const Clock* const clock_ = Clock::Real();
  Mutex mutex_;  // Guards everything below.
  CondVar idle_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kEnd;
  std::vector<Place> places_ ABSL_GUARDED_BY(mutex_);
  int open_ ABSL_GUARDED_BY(mutex_) = 0;
  Measured measured_ ABSL_GUARDED_BY(mutex_);
};

// gRPC and nothing else: typed messages, one queue, one thread.
std::unique_ptr<Link> MakeBareLink(const std::vector<std::string>& stages,
                                   int places, const std::string& table,
                                   Answered answered);
// The same, handing on each answer's bytes unparsed.
std::unique_ptr<Link> MakeRawLink(const std::vector<std::string>& stages,
                                  int places, const std::string& table,
                                  Answered answered);
// Our client without the coordinator's logic.
std::unique_ptr<Link> MakeClientLink(const std::vector<std::string>& stages,
                                     int places, const std::string& table,
                                     Answered answered);
// Our client with it: replica sets, credit, retries, accounts.
std::unique_ptr<Link> MakeDispatchLink(const std::vector<std::string>& stages,
                                       int places, const std::string& table,
                                       Answered answered);

}  // namespace troupe::bench
