// FakeReplicas play the replicas of one stage: a resolver and a factory of
// clients for a ReplicaSet, under the control of a test.
//
// Thread safety: none; for tests that run on one thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/coordinator/stages/replica_set.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_stage_client.h"
#include "tests/testing/fake_timers.h"

namespace troupe {

class FakeReplicas {
 public:
  FakeReplicas() = default;
  ~FakeReplicas() {
    for (const auto& client : all_clients_) client->Forget();
  }
  FakeReplicas(const FakeReplicas&) = delete;
  FakeReplicas& operator=(const FakeReplicas&) = delete;

  // What the resolver finds.
  absl::StatusOr<std::vector<std::string>> addresses =
      std::vector<std::string>();
  // The clients that were made: the newest of each address.
  std::map<std::string, std::shared_ptr<FakeStageClient>> clients;
  // What health says of replicas that are not connected yet.
  std::map<std::string, absl::Status> first_health;
  // The random numbers drawn, over and over.
  std::vector<double> random = {0.0};

  std::unique_ptr<ReplicaSet> MakeSet(const std::string& stage,
                                      FakeClock* clock, FakeTimers* timers,
                                      ReplicaLimits limits = {}) {
    ReplicaSetOptions options;
    options.stage = stage;
    options.target = "fake:" + stage;
    options.limits = limits;
    ReplicaSet::Environment environment;
    environment.clock = clock;
    environment.timers = timers;
    environment.resolving = timers;
    environment.random = [this] { return random[drawn_++ % random.size()]; };
    environment.connect = [this](const std::string& address) {
      clients[address] = std::make_shared<FakeStageClient>(address);
      clients[address]->health = first_health[address];
      all_clients_.push_back(clients[address]);
      return clients[address];
    };
    return std::make_unique<ReplicaSet>(
        options, std::make_unique<FakeResolver>(this), environment);
  }

  FakeStageClient& operator[](const std::string& address) {
    return *clients.at(address);
  }

 private:
  std::vector<std::shared_ptr<FakeStageClient>> all_clients_;

  class FakeResolver : public Resolver {
   public:
    explicit FakeResolver(FakeReplicas* replicas) : replicas_(replicas) {}
    absl::StatusOr<std::vector<std::string>> Resolve() override {
      return replicas_->addresses;
    }
    absl::Duration interval() const override { return absl::Seconds(2); }

   private:
    FakeReplicas* const replicas_;
  };

  size_t drawn_ = 0;
};

}  // namespace troupe
