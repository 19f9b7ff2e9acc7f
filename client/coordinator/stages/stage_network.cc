#include "client/coordinator/stages/stage_network.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/rpc/grpc_stage_client.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

double Random() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>()(generator);
}

// An address may come to belong to a process of another stage; its health then
// says that it has no such service. Preprocessor and model cannot be told apart
// so.
std::string HealthServiceOf(const std::string& stage) {
  return stage == "loader" ? "troupe.v1.Loader" : "troupe.v1.Stage";
}

}  // namespace

StageNetwork::StageNetwork(const DispatcherOptions& options,
                           const ArtifactStore* artifacts)
    : rpc_(std::make_unique<RpcThread>()),
      dispatcher_(std::make_unique<Dispatcher>(
          options, Dispatcher::Environment{.clock = Clock::Real(),
                                           .timers = &timers_,
                                           .blocking = &blocking_,
                                           .artifacts = artifacts,
                                           .random = Random})) {}

// Whatever a callback or task still uses goes after it.
StageNetwork::~StageNetwork() {
  dispatcher_.reset();
  for (const auto& thread : resolving_) thread->Leave();
  blocking_.Stop();
  timers_.Stop();
  rpc_.reset();
}

absl::StatusOr<std::unique_ptr<StageNetwork>> StageNetwork::Open(
    const std::vector<std::string>& stages, const ArtifactStore* artifacts,
    const DispatcherOptions& options, const ReplicaLimits& limits) {
  std::unique_ptr<StageNetwork> network(new StageNetwork(options, artifacts));
  for (const std::string& stage : stages)
    RETURN_IF_ERROR(network->AddStage(stage, limits));
  return network;
}

absl::Status StageNetwork::AddStage(const std::string& stage,
                                    const ReplicaLimits& limits) {
  const size_t equals = stage.find('=');
  const std::string name = stage.substr(0, equals);
  if (equals == std::string::npos || name.empty() ||
      dispatcher_->HasStage(name))
    return MakeError(
        absl::StatusCode::kInvalidArgument, "BAD_TARGET",
        absl::StrCat("--stage=", stage,
                     " must be NAME=TARGET, each name once, such as "
                     "loader=127.0.0.1:50051"));
  ReplicaSetOptions options;
  options.stage = name;
  options.target = stage.substr(equals + 1);
  options.health_service = HealthServiceOf(name);
  options.limits = limits;
  auto resolver = MakeResolver(options.target);
  if (!resolver.ok())
    return WithPrefix(resolver.status(), absl::StrCat("--stage=", name));
  resolving_.push_back(std::make_unique<TimerThread>());
  ReplicaSet::Environment environment;
  environment.clock = Clock::Real();
  environment.timers = &timers_;
  environment.resolving = resolving_.back().get();
  environment.random = Random;
  environment.connect = [rpc = rpc_.get()](const std::string& address) {
    return std::make_shared<GrpcStageClient>(address, rpc);
  };
  dispatcher_->AddStage(std::make_unique<ReplicaSet>(
      std::move(options), *std::move(resolver), std::move(environment)));
  return absl::OkStatus();
}

}  // namespace troupe
