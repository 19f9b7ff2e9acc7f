#include "services/host/host.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/strip.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"
#include "services/host/credentials.h"
#include "services/host/server_options.h"

namespace troupe {
namespace {

// Takes the reflection out of a server: the library adds it to all servers of a
// process that it is loaded into.
class NoReflection : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>*
                         plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) {
      return plugin->name() == "proto_server_reflection";
    });
  }
};

// Handlers that were told to end have so long to do it; calls that were
// answered have so long to leave. Together with the drain time they stay below
// the watchdog's.
constexpr absl::Duration kHandlerGrace = absl::Milliseconds(750);
constexpr absl::Duration kCallGrace = absl::Milliseconds(750);
// What the provider works at leaves so much of the drain time to what follows.
constexpr absl::Duration kCloseTime = absl::Milliseconds(1500);
constexpr absl::Duration kStep = absl::Milliseconds(50);

// Few fits and artifacts may wait: each is a caller that holds a stream open.
constexpr int64_t kMaxWaitingFits = 2;
constexpr int64_t kMaxWaitingArtifacts = 16;

}  // namespace

Host::Host(HostOptions options, HostedActor hosted)
    : options_(std::move(options)),
      hosted_(std::move(hosted)),
      adapter_(&lanes_, Clock::Real(), options_.max_silence),
      lanes_(LanesFor(options_), hosted_.actor.get(), Clock::Real(),
             &executor_),
      control_(options_.service, options_.replica, &lanes_,
               [this](StopMode mode, std::optional<absl::Duration> time) {
                 return Stop(mode, time);
               }) {
  if (hosted_.provider != nullptr)
    hosted_.provider->OnHosted([this](StopMode mode) { Stop(mode); });
}

Host::~Host() {
  // After a drain there is nothing left to hasten.
  if (!drained_.has_value()) Stop(StopMode::kNow);
  Close();
}

LaneSetOptions Host::LanesFor(const HostOptions& options) {
  LaneSetOptions lanes;
  lanes.service = options.service;
  lanes.stuck_after = options.stuck_after;
  lanes.overdue.exit_after = options.stuck_exit_after;
  lanes.overdue.on_change = [this](bool overdue) { OnOverdue(overdue); };
  lanes.on_tick = [this] { adapter_.Relieve(); };
  lanes.overdue.exit = [] {
    FlushLog();
    _exit(kStuckExitCode);
  };
  if (hosted_.provider != nullptr) lanes.lanes = hosted_.provider->Lanes();
  if (!lanes.lanes.empty()) {
    adapter_.ChooseLanes([this](const std::string& method) {
      return hosted_.provider->LaneOf(method);
    });
    return lanes;
  }
  const int64_t bytes = options.mailbox_bytes;
  lanes.lanes = {{"online", options.mailbox_messages, bytes},
                 {"batch", options.mailbox_messages, bytes},
                 {"fit", kMaxWaitingFits, bytes},
                 {"artifacts", kMaxWaitingArtifacts, bytes}};
  return lanes;
}

absl::Status Host::Listen() {
  grpc::ServerBuilder builder;
  HardenServer(builder, options_.max_message_bytes);
  ASSIGN_OR_RETURN(
      door_,
      Door::Open(std::string(absl::StripSuffix(
                     absl::StripPrefix(options_.listen, "["), "]")),
                 options_.port,
                 options_.connections.connections > 0 ? options_.connections
                                                      : Door::LimitsHere()));
  auto acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      ServerCredentials());
  if (options_.reflection)
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  else
    builder.SetOption(std::make_unique<NoReflection>());
  RETURN_IF_ERROR(RegisterServices(builder));
  server_ = builder.BuildAndStart();
  if (server_ == nullptr)
    return absl::InternalError("gRPC cannot start a server");
  adapter_.Start();
  door_->Start(std::move(acceptor));
  deaf_watch_ = std::make_unique<DeafWatch>(
      DeafWatchOptions(), door_->own_address(),
      [this] { return door_->full(); },
      [] {
        Log(LogLevel::kError, "nobody is answered any more: the process ends");
        FlushLog();
        _exit(kDeafExitCode);
      });
  return absl::OkStatus();
}

absl::Status Host::RegisterServices(grpc::ServerBuilder& builder) {
  RETURN_IF_ERROR(health_.RegisterAt(adapter_));
  RETURN_IF_ERROR(control_.RegisterAt(adapter_));
  health_.AddService("troupe.v1.Actor");
  if (hosted_.provider != nullptr) {
    hosted_.provider->ServeAt(adapter_);
    for (const std::string& name : hosted_.provider->ActorServices()) {
      RETURN_IF_ERROR(adapter_.AddService(name));
      health_.AddService(name);
    }
  }
  adapter_.RegisterAt(builder);
  return absl::OkStatus();
}

absl::Status Host::Start() {
  RETURN_IF_ERROR(lanes_.Start());
  MutexLock lock(&mutex_);
  started_ = true;
  if (!drained_by_.has_value() && !overdue_) health_.SetServing(true);
  return absl::OkStatus();
}

void Host::OnOverdue(bool overdue) {
  MutexLock lock(&mutex_);
  overdue_ = overdue;
  if (started_ && !drained_by_.has_value()) health_.SetServing(!overdue);
}

bool Host::Stop(StopMode mode, std::optional<absl::Duration> drain_time) {
  const absl::Duration time = mode == StopMode::kNow
                                  ? absl::ZeroDuration()
                                  : drain_time.value_or(options_.drain_time);
  const absl::Duration until = Clock::Real()->Monotonic() + time;
  bool began = false;
  bool hastens = false;
  {
    MutexLock lock(&mutex_);
    began = !drained_by_.has_value();
    hastens = began || until < *drained_by_;
    if (hastens) drained_by_ = until;
    health_.SetServing(false);
  }
  lanes_.Stop(mode, time);
  if (hastens && options_.on_stop) options_.on_stop(time);
  // The lanes have stopped taking messages when AwaitStop returns, and whoever
  // wants to know of the stop does.
  MutexLock lock(&mutex_);
  stop_told_ = true;
  stop_called_.NotifyAll();
  return began;
}

void Host::AwaitStop() {
  MutexLock lock(&mutex_);
  while (!stop_told_) stop_called_.Wait(&mutex_);
}

absl::Duration Host::drained_by() const {
  MutexLock lock(&mutex_);
  return drained_by_.value_or(Clock::Real()->Monotonic());
}

absl::Duration Host::drain_time_left() const {
  return std::max(drained_by() - Clock::Real()->Monotonic(),
                  absl::ZeroDuration());
}

bool Host::AwaitDrained(absl::Duration after,
                        const std::function<bool(absl::Duration)>& over) {
  const absl::Duration least = Clock::Real()->Monotonic() + kHandlerGrace;
  while (true) {
    const absl::Duration now = Clock::Real()->Monotonic();
    const absl::Duration until = std::max(drained_by() + after, least);
    if (over(std::clamp(until - now, absl::ZeroDuration(), kStep))) return true;
    if (now >= until) return false;
  }
}

bool Host::Drain() {
  if (drained_.has_value()) return *drained_;
  bool ended = true;
  if (hosted_.provider != nullptr) {
    hosted_.provider->OnDrain();
    ended = AwaitDrained(-kCloseTime, [this](absl::Duration step) {
      return hosted_.provider->Drained(step);
    });
  }
  const bool stopped = AwaitDrained(kHandlerGrace, [this](absl::Duration step) {
    return lanes_.AwaitStopped(step);
  });
  drained_ = ended && stopped;
  return *drained_;
}

void Host::Close() {
  Drain();
  if (server_ == nullptr) return;
  deaf_watch_.reset();
  door_->Close();
  adapter_.Stop(Draining(options_.service));
  server_->Shutdown(std::chrono::system_clock::now() +
                    absl::ToChronoMilliseconds(kCallGrace));
  adapter_.Shutdown();
  server_.reset();
}

}  // namespace troupe
