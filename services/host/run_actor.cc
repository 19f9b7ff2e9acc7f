#include "services/host/run_actor.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/support/log.h"
#include "services/base/allocator.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"
#include "services/host/door.h"
#include "services/host/health_command.h"
#include "services/host/host.h"
#include "services/host/host_flags.h"
#include "services/host/isolate_child.h"
#include "services/host/shutdown.h"

namespace troupe {
namespace {

constexpr absl::Duration kHealthTimeout = absl::Seconds(3);
// Whoever said NOW while the process closes is answered first.
constexpr absl::Duration kReplyTime = absl::Milliseconds(100);
// Beyond the drain time; what Host::Drain gives itself is less.
constexpr absl::Duration kWatchdogGrace = absl::Seconds(2);
// What closing may take, at least. With NOW that is all.
constexpr absl::Duration kCloseTime = absl::Milliseconds(1500);

// Debian builds Abseil with its search for deadlocks, which asks one graph of
// the process, under one lock, for each lock of gRPC: 3 % of a message's time
// in a stage, and other threads wait for it.
void TuneLocks() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

// Whether the server is up: before and after, what fails is told by us.
std::atomic<bool> serving{false};

// gRPC's own lines, in our form. Its errors are mostly a peer's doing.
void LogForGrpc(gpr_log_func_args* line) {
  const bool matters = line->severity == GPR_LOG_SEVERITY_ERROR && serving;
  Log(matters ? LogLevel::kWarning : LogLevel::kDebug, "grpc",
      {{"message", line->message}});
}

// A mistake of whoever started the process: one plain line.
int Refuse(const std::string& name, const absl::Status& status) {
  std::cerr << "troupe-" << name << ": " << status.message() << std::endl;
  return 1;
}

// A second Ctrl-C says that the first was not quick enough.
StopMode ModeFor(int signal, int before) {
  return signal == SIGINT && before > 0 ? StopMode::kNow : StopMode::kDrain;
}

// How far a process is on its way.
enum class Phase { kStarting, kServing, kClosing };

// Ends a process that was told to stop, whatever goes on in it. While it serves
// it owes every caller an answer, and hanging is a fault. Before, it owes none,
// and afterwards all have theirs: then it only leaves.
class Departure {
 public:
  // What is left of a drain time ends the process.
  void Hasten(absl::Duration drain_time) {
    if (serving)
      Log(LogLevel::kInfo, "stopping",
          {{"seconds", absl::ToDoubleSeconds(drain_time)}});
    switch (phase_) {
      case Phase::kStarting:
        return leaving_.Arm(drain_time + kCloseTime);
      case Phase::kServing:
        return hanging_.Arm(drain_time + kWatchdogGrace);
      case Phase::kClosing:
        return leaving_.Arm(std::max(drain_time, kReplyTime));
    }
  }
  void Serve() { phase_ = Phase::kServing; }
  void Close(absl::Duration time_left) {
    phase_ = Phase::kClosing;
    hanging_.Calm();
    leaving_.Arm(std::max(time_left, kCloseTime));
  }

 private:
  std::atomic<Phase> phase_{Phase::kStarting};
  Watchdog hanging_{[] {
    Log(LogLevel::kError, "shutdown hung");
    FlushLog();
    _exit(kHungExitCode);
  }};
  Watchdog leaving_{[] {
    Log(LogLevel::kWarning, "stopped; what did not end is left behind");
    FlushLog();
    _exit(0);
  }};
};

absl::Status Serve(Host& host, const HostFlags& flags, Departure& departure) {
  RETURN_IF_ERROR(host.Listen());
  serving = true;
  RETURN_IF_ERROR(host.Start());
  departure.Serve();
  if (!flags.port_file.empty())
    RETURN_IF_ERROR(WritePortFile(flags.port_file, host.port()));
  Log(LogLevel::kInfo, "ready",
      {{"address", absl::StrCat(flags.host.listen, ":", host.port())}});
  host.AwaitStop();
  serving = false;
  return absl::OkStatus();
}

}  // namespace

int RunActorProgram(int argc, char** argv, const ActorProgram& program) {
  TuneAllocator();
  TuneLocks();
  RaiseFileLimit();
  gpr_set_log_function(LogForGrpc);
  absl::StatusOr<HostFlags> flags =
      ReadFlags(argc, argv, program.name,
                program.default_port > 0 ? program.default_port
                                         : DefaultPort(program.name));
  if (!flags.ok()) return Refuse(program.name, flags.status());
  if (flags->health_command) {
    const absl::Status health =
        CheckHealth(flags->health_address, kHealthTimeout);
    if (!health.ok()) return Refuse(program.name, health);
    std::cout << "SERVING" << std::endl;
    return 0;
  }

  SetUpLog(flags->log);
  if (IsIsolatedChild()) {
    EnterIsolation();
    return RunIsolatedChild(*program.make().actor);
  }
  Departure departure;
  flags->host.on_stop = [&departure](absl::Duration drain_time) {
    departure.Hasten(drain_time);
  };
  // Blocks the signals, so before the threads of the actor and of the server.
  Host* signalled = nullptr;
  Mutex mutex;
  int early_signals = 0;
  const SignalWatcher signals([&](int signal, int before) {
    MutexLock lock(&mutex);
    if (signalled == nullptr)
      ++early_signals;
    else
      signalled->Stop(ModeFor(signal, before));
  });
  Host host(flags->host, program.make());
  {
    MutexLock lock(&mutex);
    signalled = &host;
    if (early_signals > 0) host.Stop(StopMode::kDrain);
  }

  const absl::Status served = Serve(host, *flags, departure);
  // A stop may come before the actor was ready: that is no failure.
  const bool refused = !served.ok() && ReasonOf(served) != "DRAINING";
  if (refused) host.Stop(StopMode::kNow);
  const bool drained = host.Drain();
  departure.Close(host.drain_time_left());
  host.Close();
  {
    MutexLock lock(&mutex);
    signalled = nullptr;
  }
  if (refused) return Refuse(program.name, served);
  if (!flags->port_file.empty()) std::remove(flags->port_file.c_str());
  Log(LogLevel::kInfo, "stopped");
  FlushLog();
  // A handler that does not look at its token, or one that waits for a disk,
  // cannot be ended, only left; its caller was told, and the message runs again
  // elsewhere.
  if (!drained) _exit(0);
  return 0;
}

}  // namespace troupe
