// A ReplicaSet is the replicas of one stage: found by a Resolver, watched by
// health checks, and chosen by load. A call takes a slot of a replica before it
// is sent and gives it back with its answer (lane_credit.h).
//
// Thread safety: all methods may be called from any thread. Acquire, Release
// and the getters may be called with the caller's lock held: no callback runs
// within them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/coordinator/stages/placement.h"
#include "client/coordinator/stages/replica.h"
#include "client/coordinator/stages/resolver.h"
#include "client/rpc/stage_client.h"
#include "client/rpc/timers.h"
#include "services/base/clock.h"

namespace troupe {

struct ReplicaSetOptions {
  std::string stage;
  std::string target;          // As --stage said; for people.
  std::string health_service;  // "" asks for the whole process.
  absl::Duration health_interval = absl::Seconds(1);
  absl::Duration health_timeout = absl::Seconds(5);
  ReplicaLimits limits;
};

class ReplicaSet {
 public:
  using ClientFactory =
      std::function<std::shared_ptr<StageClient>(const std::string& address)>;
  struct Environment {
    const Clock* clock = nullptr;
    Timers* timers = nullptr;        // For everything else.
    Timers* resolving = nullptr;     // For the resolver, which may block.
    std::function<double()> random;  // In [0, 1); from any thread.
    ClientFactory connect;
  };

  // Begins to resolve at once. Tasks that find the set gone do nothing; the
  // environment must outlive those that run, except that nothing but the
  // resolver is used by one that hangs in it.
  ReplicaSet(ReplicaSetOptions options, std::unique_ptr<Resolver> resolver,
             Environment environment);
  ~ReplicaSet();

  // `changed` is called from a thread of the timers or of the clients, without
  // locks, whenever a call that found no slot might find one now, or the set
  // stopped serving; not for slots given back. Call once, before Acquire.
  void OnChange(std::function<void()> changed);

  // Takes a slot on the less loaded of two replicas that serve and have one.
  // Returns null when there is none for this placement now.
  std::shared_ptr<Replica> Acquire(const Placement& placement);
  // Gives it back; once per Acquire.
  void Release(const std::shared_ptr<Replica>& replica, const CallEnd& end);

  // The same for a Fit, which has a lane of its own and uses no credit: null
  // only when no replica serves.
  std::shared_ptr<Replica> AcquireForFit(
      const std::vector<std::string>& avoided);
  void ReleaseFit(const std::shared_ptr<Replica>& replica, const CallEnd& end);

  // Whether some replica serves, other than the one at `except`.
  bool HasServing(const std::string& except = "") const;
  // Whether this one announced its end, and has not served since.
  bool IsLeaving(const Replica& replica) const;
  // Health checks that this one failed so far.
  int64_t FailedChecksOf(const Replica& replica) const;
  // Which of its losses of this replica was the last; none so far: 0. A loss is
  // that one ceases to serve without having announced it.
  int64_t LastLossOf(const Replica& replica) const;
  // Whether one was lost after `since`, on the monotonic clock, other than by
  // the loss `own`.
  bool LostAnother(int64_t own, absl::Duration since) const;
  std::vector<ReplicaInfo> List() const;
  const ReplicaSetOptions& options() const;

  // Looks the replicas up once more; `done` runs on a thread of the timers when
  // the newest are known, or the look-up has failed. Never blocks; while a name
  // server is silent, or when the set goes first, `done` does not run.
  void ResolveSoon(std::function<void()> done);

 private:
  class State;
  const std::shared_ptr<State> state_;
};

}  // namespace troupe
