// The dispatcher and its replica sets under callers that race: calls, fits,
// cancelled jobs, replicas that come and go, and the end of it all. Run under
// ThreadSanitizer, too.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/coordinator/stages/dispatcher.h"
#include "client/rpc/timers.h"
#include "grpc/health/v1/health.pb.h"
#include "services/base/errors.h"
#include "services/base/latch.h"
#include "tests/testing/temp_dir.h"

namespace troupe {
namespace {

constexpr int kCallers = 4;
constexpr int kCallsEach = 150;

double Draw() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>()(generator);
}

// A replica that answers on another thread, and fails in every way.
class RandomReplica : public StageClient {
 public:
  RandomReplica(std::string address, Timers* network)
      : address_(std::move(address)), network_(network) {}

  const std::string& address() const override { return address_; }
  bool connected() const override { return Draw() < 0.99; }
  std::shared_ptr<OpenCall> Call(
      UnaryCall call, std::function<void(UnaryReply)> done) override {
    auto open = std::make_shared<Open>();
    network_->After(absl::Microseconds(500 * Draw()),
                    [open, call = std::move(call), done = std::move(done)] {
                      done(AnswerTo(call, open->cancelled));
                    });
    return open;
  }
  std::shared_ptr<OpenCall> Put(const std::string&,
                                std::shared_ptr<const std::string>,
                                absl::Duration,
                                std::function<void(absl::Status)>) override {
    return nullptr;
  }
  std::unique_ptr<FitUpload> Fit(const pb::FitStart&, FitOptions) override {
    return std::make_unique<RandomFit>();
  }

 private:
  struct Open : OpenCall {
    void Cancel() override { cancelled = true; }
    std::atomic<bool> cancelled = false;
  };

  class RandomFit : public FitUpload {
   public:
    absl::Status Write(const TableBytes&) override { return Outcome(); }
    absl::StatusOr<Learned> Finish() override {
      const absl::Status outcome = Outcome();
      if (!outcome.ok()) return outcome;
      return Learned();
    }
    void Cancel() override { cancelled_ = true; }

   private:
    absl::Status Outcome() const {
      if (cancelled_) return absl::CancelledError("cancelled");
      return Draw() < 0.3 ? absl::UnavailableError("Socket closed")
                          : absl::OkStatus();
    }
    std::atomic<bool> cancelled_ = false;
  };

  static UnaryReply AnswerTo(const UnaryCall& call, bool cancelled) {
    UnaryReply reply;
    const double draw = Draw();
    if (cancelled) {
      reply.status = absl::CancelledError("as asked");
    } else if (call.method == "/grpc.health.v1.Health/Check") {
      grpc::health::v1::HealthCheckResponse response;
      response.set_status(grpc::health::v1::HealthCheckResponse::SERVING);
      reply.header = response.SerializeAsString();
    } else if (draw < 0.05) {
      reply.status = MailboxFull(64, 1);
    } else if (draw < 0.08) {
      reply.status = absl::UnavailableError("Socket closed");
    } else if (draw < 0.1) {
      reply.status = Draining("model");
    } else {
      pb::ProcessRequest request;
      request.ParseFromString(call.header);
      pb::ProcessResponse response;
      *response.mutable_id() = request.id();
      response.set_credit(60);
      reply.header = response.SerializeAsString();
    }
    return reply;
  }

  const std::string address_;
  Timers* const network_;
};

// Two or three of three replicas, others each time.
class ChangingResolver : public Resolver {
 public:
  absl::StatusOr<std::vector<std::string>> Resolve() override {
    const auto left_out = static_cast<int>(Draw() * 4);
    std::vector<std::string> addresses;
    for (int i = 0; i < 3; ++i)
      if (i != left_out) addresses.push_back(absl::StrCat("replica ", i));
    return addresses;
  }
  absl::Duration interval() const override { return absl::Milliseconds(5); }
};

class RaceTest : public testing::Test {
 protected:
  RaceTest() {
    DispatcherOptions options;
    options.min_backoff = absl::Microseconds(100);
    options.max_backoff = absl::Milliseconds(1);
    options.retries_per_minute = 1e9;
    options.max_suspects = 1 << 30;
    dispatcher_ = std::make_unique<Dispatcher>(
        options, DispatchEnvironment{.clock = Clock::Real(),
                                     .timers = &timers_,
                                     .blocking = &blocking_,
                                     .artifacts = &artifacts_,
                                     .random = Draw});
    ReplicaSetOptions set;
    set.stage = "model";
    set.health_interval = absl::Milliseconds(2);
    ReplicaSet::Environment environment;
    environment.clock = Clock::Real();
    environment.timers = &timers_;
    environment.resolving = &resolving_;
    environment.random = Draw;
    environment.connect = [this](const std::string& address) {
      return std::make_shared<RandomReplica>(address, &network_);
    };
    dispatcher_->AddStage(std::make_unique<ReplicaSet>(
        std::move(set), std::make_unique<ChangingResolver>(),
        std::move(environment)));
  }
  ~RaceTest() override {
    dispatcher_.reset();
    resolving_.Stop();
    blocking_.Stop();
    timers_.Stop();
    network_.Stop();
  }

  static StageCall CallOf(const std::string& job, int number) {
    StageCall call;
    call.stage = "model";
    call.method = "/troupe.v1.Stage/Process";
    call.job = job;
    call.header = [job, number](int attempt, bool isolate) {
      pb::ProcessRequest request;
      request.mutable_id()->set_job(job);
      request.mutable_id()->set_number(number);
      request.mutable_id()->set_attempt(attempt);
      request.set_isolate(isolate);
      return request.SerializeAsString();
    };
    return call;
  }
  void DispatchAll(const std::string& job) {
    for (int i = 0; i < kCallsEach; ++i)
      dispatcher_->Dispatch(CallOf(job, i), [this](const StageResult&) {
        ++answers_;
        all_.CountDown();
      });
  }
  void FitAgainAndAgain(const std::string& job) {
    while (!over_) {
      FitCall call;
      call.stage = "model";
      call.job = job;
      const auto fit = dispatcher_->StartFit(call);
      if (!fit.ok()) continue;
      if ((*fit)->Write(TableBytes()).ok()) (*fit)->Finish().IgnoreError();
    }
  }
  void LookAndCancel(const std::string& job) {
    while (!over_) {
      dispatcher_->LoadOf(job);
      dispatcher_->StalledStages(job);
      dispatcher_->Replicas("model")->List();
      dispatcher_->Replicas("model")->ResolveSoon([] {});
      dispatcher_->CancelJob(job);
      dispatcher_->ForgetJob(job);
      std::this_thread::yield();
    }
  }

  const TempDir directory_;
  ArtifactStore artifacts_ = *ArtifactStore::Open(directory_.path());
  TimerThread network_;
  TimerThread timers_;
  TimerThread blocking_;
  TimerThread resolving_;
  std::atomic<int> answers_ = 0;
  std::atomic<bool> over_ = false;
  Latch all_{kCallers * kCallsEach};
  std::unique_ptr<Dispatcher> dispatcher_;
};

TEST_F(RaceTest, EveryCallIsAnsweredOnceWhateverCrosses) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i)
    threads.emplace_back([this, i] { DispatchAll(absl::StrCat("job ", i)); });
  threads.emplace_back([this] { FitAgainAndAgain("job 0"); });
  threads.emplace_back([this] { LookAndCancel("job 0"); });
  EXPECT_TRUE(all_.Wait(absl::Minutes(2)));
  over_ = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers_, kCallers * kCallsEach);
}

TEST_F(RaceTest, SoItIsWhenTheDispatcherGoes) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i)
    threads.emplace_back([this, i] { DispatchAll(absl::StrCat("job ", i)); });
  for (std::thread& thread : threads) thread.join();
  dispatcher_.reset();
  EXPECT_TRUE(all_.Wait(absl::Minutes(2)));
  EXPECT_EQ(answers_, kCallers * kCallsEach);
}

}  // namespace
}  // namespace troupe
