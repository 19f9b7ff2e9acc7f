// RunActor is the whole life of an actor's process. The main of a stage is
//
//   int main(int argc, char** argv) {
//     return troupe::RunActor<troupe::feature::Feature>(argc, argv);
//   }
//
// `A` is an Actor (usually a Stage) that can be made without arguments, and has
//
//   static constexpr absl::string_view kName = "feature";
//   static constexpr int kPort = 50061;  // Optional: where --port says
//   nothing.
//
// It is made after the flags were parsed, so its constructor may read its own
// ABSL_FLAGs; every flag can also be set as TROUPE_<FLAG> in the environment
// (the command line wins). An A that also is a ServiceProvider
// (services/host/service_provider.h) adds services of its own, and is told when
// the process begins to drain.
//
// In order: flags; log; the server listens, and answers NOT_READY; OnStart; the
// port file is written and health says SERVING; messages are handled until
// SIGTERM, SIGINT or Actor.Stop; health says NOT_SERVING; OnDrain; the lanes
// drain; OnStop; exit.
//
// `PROGRAM health [--port N | --address HOST:PORT]` asks the running process
// for its health instead, and exits with 0 or 1.
//
// Exit codes: 0 stopped as asked, in the drain time whatever a disk or a name
// server does: what could not be ended is left behind; 1 wrong flags, address
// in use, or OnStart failed; 3 the shutdown hung before all callers were
// answered, and the watchdog ended it; 70 a handler went on for
// --stuck_exit_after beyond its work limit; 71 the process did not answer its
// own calls for about a minute.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "services/actor/actor.h"
#include "services/host/service_provider.h"

namespace troupe {

inline constexpr int kHungExitCode = 3;
inline constexpr int kStuckExitCode = 70;
inline constexpr int kDeafExitCode = 71;

// One process's actor, and the same object as a ServiceProvider if it is one.
struct HostedActor {
  std::unique_ptr<Actor> actor;
  ServiceProvider* provider = nullptr;
};

struct ActorProgram {
  std::string name;
  int default_port = 0;  // 0: the one that goes with the name.
  std::function<HostedActor()> make;
};

// As told above. Returns the process's exit code.
int RunActorProgram(int argc, char** argv, const ActorProgram& program);

template <class A>
int RunActor(int argc, char** argv) {
  ActorProgram program;
  program.name = std::string(A::kName);
  if constexpr (requires { A::kPort; }) program.default_port = A::kPort;
  program.make = [] {
    auto actor = std::make_unique<A>();
    HostedActor hosted;
    hosted.provider = dynamic_cast<ServiceProvider*>(actor.get());
    hosted.actor = std::move(actor);
    return hosted;
  };
  return RunActorProgram(argc, argv, program);
}

}  // namespace troupe
