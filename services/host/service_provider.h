// A ServiceProvider tells the host what a process serves beside the services
// that every process has (troupe.v1.Actor, grpc.health.v1.Health). An actor
// that derives from it is asked by RunActor; Stage and LoaderActor do already.
//
// Thread safety: the host calls all methods from the thread that runs RunActor.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "services/actor/lane_set.h"

namespace troupe {

class RpcAdapter;

class ServiceProvider {
 public:
  virtual ~ServiceProvider() = default;

  // Full names of proto services ("troupe.v1.Stage") whose methods become
  // messages to the actor.
  virtual std::vector<std::string> ActorServices() { return {}; }

  // Lanes in place of those of a stage, and which of them takes the messages of
  // a method ("troupe.v1.Coordinator/GetJob").
  virtual std::vector<LaneOptions> Lanes() { return {}; }
  virtual std::string LaneOf(const std::string& /*method*/) { return ""; }

  // Says which methods are served otherwise: AddInline, AddWatch, AddTransfer.
  virtual void ServeAt(RpcAdapter& /*adapter*/) {}

  // Called once before the first call is served: `stop` stops this process, as
  // Actor.Stop does, from any thread, for as long as it runs.
  virtual void OnHosted(std::function<void(StopMode)> stop) { (void)stop; }

  // Called once, when the process begins to stop: health says NOT_SERVING and
  // the mailboxes reject, but accepted messages are still being handled.
  // Afterwards all streams end; calls that have not ended a second after the
  // lanes did are cancelled. Must not block: what takes time ends beside it.
  virtual void OnDrain() {}
  // Waits at most `step` for what OnDrain began to end; says whether it has.
  // Called until then, or until the drain time is nearly over: what goes on is
  // then left behind by the process's exit, with code 0.
  virtual bool Drained(absl::Duration step) {
    (void)step;
    return true;
  }
};

}  // namespace troupe
