// A Dispatcher with one stage, "model", whose replicas a test plays.
//
// Thread safety: none; for tests that run on one thread.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/coordinator/stages/dispatcher.h"
#include "tests/testing/fake_replicas.h"

namespace troupe {

inline constexpr char kProcess[] = "/troupe.v1.Stage/Process";

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    std::filesystem::remove_all(directory_);
    artifacts_.emplace(*ArtifactStore::Open(directory_));
    MakeDispatcher({});
  }
  ~DispatcherTest() override {
    dispatcher_.reset();
    std::filesystem::remove_all(directory_);
  }

  void MakeDispatcher(DispatcherOptions options) {
    dispatcher_.emplace(options,
                        Dispatcher::Environment{.clock = &clock_,
                                                .timers = &timers_,
                                                .blocking = &timers_,
                                                .artifacts = &*artifacts_,
                                                .random = [] { return 0.0; }});
  }

  // A model stage with these replicas, all serving.
  void Serve(std::vector<std::string> addresses, ReplicaLimits limits = {}) {
    model_.addresses = std::move(addresses);
    dispatcher_->AddStage(model_.MakeSet("model", &clock_, &timers_, limits));
    timers_.RunDue();
  }

  static StageCall Call(const std::string& job, int64_t number) {
    StageCall call;
    call.stage = "model";
    call.method = kProcess;
    call.job = job;
    call.header = [job, number](int attempt, bool isolate) {
      pb::ProcessRequest request;
      request.mutable_id()->set_job(job);
      request.mutable_id()->set_number(number);
      request.mutable_id()->set_attempt(attempt);
      request.mutable_id()->set_epoch(3);
      request.set_isolate(isolate);
      return request.SerializeAsString();
    };
    return call;
  }
  void Dispatch(StageCall call) {
    dispatcher_->Dispatch(std::move(call), [this](StageResult result) {
      results_.push_back(std::move(result));
    });
  }

  // The request that waits longest at a replica.
  pb::ProcessRequest Request(const std::string& address) {
    pb::ProcessRequest request;
    request.ParseFromString(model_[address].waiting.at(0)->call.header);
    return request;
  }
  static UnaryReply ReplyTo(const pb::BatchId& id) {
    pb::ProcessResponse response;
    *response.mutable_id() = id;
    response.set_rows(10);
    response.set_credit(60);
    UnaryReply reply;
    reply.header = response.SerializeAsString();
    return reply;
  }
  void Answer(const std::string& address) {
    model_[address].Answer(ReplyTo(Request(address).id()));
  }
  void Fail(const std::string& address, absl::Status status) {
    model_[address].Fail(std::move(status));
  }
  size_t Waiting(const std::string& address) {
    return model_[address].waiting.size();
  }
  // The address where the only call waits.
  std::string Where() {
    std::string where;
    for (const auto& [address, client] : model_.clients)
      if (!client->waiting.empty()) where += address;
    return where;
  }

  const std::string directory_ = testing::TempDir() + "/dispatcher_test";
  FakeClock clock_;
  FakeTimers timers_{&clock_};
  FakeReplicas model_;
  std::optional<ArtifactStore> artifacts_;
  std::vector<StageResult> results_;
  std::optional<Dispatcher> dispatcher_;
};

}  // namespace troupe
