// An EchoHost is a Host on an ephemeral port with a small Stage, and stubs to
// call it. What the stage does is told in the request's `table`.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/grpc_status.h"
#include "services/host/host.h"
#include "services/host/sha256.h"
#include "services/host/stage.h"
#include "tests/testing/gate.h"
#include "troupe/v1/actor.grpc.pb.h"
#include "troupe/v1/artifact.grpc.pb.h"
#include "troupe/v1/stage.grpc.pb.h"

namespace troupe {

struct TextArtifact : Artifact {
  std::string text;
};

// Answers the table itself, or does what it says: `wait` until the gate opens,
// `hang` until it is cancelled, `throw`, `artifact` (the text of the artifact).
class EchoStage : public Stage {
 public:
  absl::StatusOr<pb::ProcessResponse> Process(pb::ProcessRequest& request,
                                              const Context& context) override {
    ++processed;
    last_form = request.form();
    last_thread = std::this_thread::get_id();
    if (request.table() == "wait") {
      entered.Open();
      gate.Wait();
    }
    if (request.table() == "hang") {
      entered.Open();
      while (!context.cancelled()) std::this_thread::yield();
      saw_cancel.Open();
    }
    if (request.table() == "throw") throw std::runtime_error("boom");
    pb::ProcessResponse response;
    if (request.table() == "artifact") {
      ASSIGN_OR_RETURN(const auto artifact,
                       artifacts().Get<TextArtifact>(request.artifact()));
      response.set_table(artifact->text);
      return response;
    }
    response.set_table(std::move(*request.mutable_table()));
    response.set_rows(1);
    return response;
  }

  bool Drained(absl::Duration) override { return drained; }

  // Fits the partials themselves.
  absl::StatusOr<pb::MergeResponse> Merge(pb::MergeRequest& request,
                                          const Context&) override {
    ++merges;
    pb::MergeResponse response;
    for (const std::string& partial : request.partials())
      response.mutable_artifact()->append(partial);
    return response;
  }

  // Learns the tables themselves; no more after the table `enough`.
  absl::StatusOr<Learned> Fit(const pb::FitStart&, FitStream& tables,
                              const Context&) override {
    entered.Open();
    Learned learned;
    while (true) {
      ASSIGN_OR_RETURN(const auto table, tables.Next());
      if (!table.has_value() || *table == "enough") break;
      learned.artifact.append(*table);
      learned.result.set_train_rows(learned.result.train_rows() + 1);
      pb::FitProgress progress;
      progress.set_rounds(static_cast<int32_t>(learned.result.train_rows()));
      tables.Tell(progress);
    }
    return learned;
  }

  absl::StatusOr<std::shared_ptr<const Artifact>> LoadArtifact(
      std::string bytes) override {
    if (bytes == "bad") return ArtifactCorrupt("says bad");
    auto artifact = std::make_shared<TextArtifact>();
    artifact->text = std::move(bytes);
    return artifact;
  }

  std::atomic<bool> drained{true};  // What the provider ends has ended.
  std::atomic<int> processed{0};
  std::atomic<int> merges{0};
  std::atomic<std::thread::id> last_thread{};
  std::atomic<pb::TableForm> last_form{};
  Gate gate;
  Gate entered;
  Gate saw_cancel;
};

class EchoHost {
 public:
  explicit EchoHost(HostOptions options = {}) {
    options.service = "echo";
    options.replica = "echo:1";
    HostedActor hosted;
    auto actor = std::make_unique<EchoStage>();
    stage = actor.get();
    hosted.provider = actor.get();
    hosted.actor = std::move(actor);
    host = std::make_unique<Host>(std::move(options), std::move(hosted));
  }
  ~EchoHost() {
    stage->gate.Open();
    host.reset();
  }

  absl::Status Listen() {
    RETURN_IF_ERROR(host->Listen());
    const auto channel =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", host->port()),
                            grpc::InsecureChannelCredentials());
    stub = pb::Stage::NewStub(channel);
    artifacts = pb::Artifacts::NewStub(channel);
    control = pb::Actor::NewStub(channel);
    health = grpc::health::v1::Health::NewStub(channel);
    return absl::OkStatus();
  }

  absl::Status Start() {
    RETURN_IF_ERROR(Listen());
    return host->Start();
  }

  absl::StatusOr<pb::ProcessResponse> Process(
      const std::string& table, grpc::ClientContext* context = nullptr) {
    grpc::ClientContext own;
    if (context == nullptr) context = &own;
    pb::ProcessRequest request;
    request.set_table(table);
    request.mutable_id()->set_job("job");
    request.mutable_id()->set_number(7);
    pb::ProcessResponse response;
    RETURN_IF_ERROR(FromGrpcStatus(stub->Process(context, request, &response)));
    return response;
  }

  absl::Status Put(const std::string& bytes, const std::string& sha256) {
    grpc::ClientContext context;
    pb::PutArtifactResponse response;
    const auto writer = artifacts->Put(&context, &response);
    pb::ArtifactChunk chunk;
    chunk.set_sha256(sha256);
    for (const char c : bytes) {
      chunk.set_content(std::string(1, c));
      if (!writer->Write(chunk)) break;
      chunk.clear_sha256();
    }
    writer->WritesDone();
    return FromGrpcStatus(writer->Finish());
  }

  pb::ActorStats Stats() {
    grpc::ClientContext context;
    pb::ActorStats stats;
    control->GetStats(&context, {}, &stats);
    return stats;
  }
  pb::LaneStats Lane(const std::string& name) {
    const pb::ActorStats stats = Stats();
    for (const pb::LaneStats& lane : stats.lanes())
      if (lane.name() == name) return lane;
    return {};
  }
  // Waits until `lane` has so many messages waiting.
  void AwaitDepth(const std::string& lane, int64_t depth) {
    while (Lane(lane).depth() != depth) std::this_thread::yield();
  }

  std::string Health(const std::string& service) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    grpc::health::v1::HealthCheckResponse response;
    const grpc::Status status = health->Check(&context, request, &response);
    if (!status.ok()) return ReasonOf(FromGrpcStatus(status));
    return response.ServingStatus_Name(response.status());
  }

  EchoStage* stage = nullptr;
  std::unique_ptr<Host> host;
  std::unique_ptr<pb::Stage::Stub> stub;
  std::unique_ptr<pb::Artifacts::Stub> artifacts;
  std::unique_ptr<pb::Actor::Stub> control;
  std::unique_ptr<grpc::health::v1::Health::Stub> health;
};

}  // namespace troupe
