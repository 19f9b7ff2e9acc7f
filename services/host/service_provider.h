// A ServiceProvider tells the host what a process serves beside the services
// that every process has (troupe.v1.Actor, grpc.health.v1.Health). An actor
// that derives from it is asked by RunActor; Stage and LoaderActor do already.
//
// Thread safety: the host calls all methods from the thread that runs RunActor.
#pragma once

#include <string>
#include <vector>

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

  // Called once, when the process begins to stop: health says NOT_SERVING and
  // the mailboxes reject, but accepted messages are still being handled.
  // Afterwards all streams end; calls that have not ended a second after the
  // lanes did are cancelled.
  virtual void OnDrain() {}
};

}  // namespace troupe
