#include "client/rpc/coordinator_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "client/rpc/channel.h"
#include "grpcpp/grpcpp.h"
#include "services/base/errors.h"
#include "services/host/grpc_status.h"
#include "services/host/sha256.h"
#include "tests/testing/fake_clock.h"
#include "troupe/v1/coordinator.grpc.pb.h"

namespace troupe {
namespace {

// A coordinator that really listens and does what the test says.
class FakeCoordinator : public pb::Coordinator::Service {
 public:
  explicit FakeCoordinator(int port = 0) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port),
                             grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    server_->GetHealthCheckService()->SetServingStatus("troupe.v1.Coordinator",
                                                       true);
  }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  void Leave() { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::Status GetJob(grpc::ServerContext*, const pb::GetJobRequest* request,
                      pb::Job* job) override {
    if (request->id() != "j") return ToGrpcStatus(JobNotFound(request->id()));
    job->set_id("j");
    return grpc::Status::OK;
  }

  grpc::Status WatchJob(grpc::ServerContext*, const pb::WatchJobRequest*,
                        grpc::ServerWriter<pb::Job>* writer) override {
    const size_t call = watches++;
    if (call >= watch_states.size()) return ToGrpcStatus(JobNotFound("j"));
    for (const pb::JobState state : watch_states[call]) {
      pb::Job job;
      job.set_state(state);
      writer->Write(job);
    }
    const bool ends = !watch_states[call].empty() &&
                      watch_states[call].back() == pb::SUCCEEDED;
    return ends ? grpc::Status::OK : ToGrpcStatus(Draining("coordinator"));
  }

  grpc::Status Upload(grpc::ServerContext*,
                      grpc::ServerReader<pb::UploadRequest>* reader,
                      pb::UploadResponse* response) override {
    if (!refusal.ok()) return ToGrpcStatus(refusal);
    pb::UploadRequest request;
    while (reader->Read(&request)) {
      if (!request.name().empty()) name = request.name();
      largest_chunk = std::max(largest_chunk, request.content().size());
      content += request.content();
      if (request.has_end()) end = request.end();
    }
    response->set_id("u1");
    response->set_bytes(static_cast<int64_t>(content.size()));
    return grpc::Status::OK;
  }

  grpc::Status ReadOutput(
      grpc::ServerContext*, const pb::ReadOutputRequest* request,
      grpc::ServerWriter<pb::ReadOutputResponse>* writer) override {
    pb::ReadOutputResponse response;
    for (const char c :
         content.substr(static_cast<size_t>(request->offset()))) {
      response.set_content(std::string(1, c));
      writer->Write(response);
    }
    return ToGrpcStatus(refusal);
  }

  absl::Status refusal;
  std::vector<std::vector<pb::JobState>> watch_states;  // Per connection.
  size_t watches = 0;
  std::string name;
  std::string content;
  size_t largest_chunk = 0;
  pb::UploadEnd end;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class CoordinatorClientTest : public testing::Test {
 protected:
  // What a watch sees until it ends.
  absl::Status Watch(std::vector<pb::JobState>* seen) {
    return client_->WatchJob("j", [seen](const pb::Job& job) {
      seen->push_back(job.state());
      return true;
    });
  }
  // Hands out these pieces, then the end.
  static CoordinatorClient::ChunkSource Pieces(
      std::vector<std::string> pieces) {
    auto next = std::make_shared<size_t>(0);
    return [pieces, next]() -> absl::StatusOr<std::string> {
      return *next < pieces.size() ? pieces[(*next)++] : std::string();
    };
  }

  FakeCoordinator coordinator_;
  std::unique_ptr<CoordinatorClient> client_ =
      CoordinatorClient::Connect(coordinator_.address());
};

TEST_F(CoordinatorClientTest, ReturnsAnswersAndErrorsWithTheirReasons) {
  pb::GetJobRequest request;
  request.set_id("j");
  EXPECT_EQ(client_->GetJob(request)->id(), "j");
  request.set_id("k");
  EXPECT_EQ(ReasonOf(client_->GetJob(request).status()), "JOB_NOT_FOUND");
}

TEST_F(CoordinatorClientTest, SaysWhereNobodyAnswers) {
  coordinator_.Leave();
  const absl::Status status = client_->GetJob({}).status();
  EXPECT_EQ(ReasonOf(status), "COORDINATOR_UNREACHABLE");
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr(coordinator_.address()));
}

TEST_F(CoordinatorClientTest, WatchesUntilTheJobHasEnded) {
  coordinator_.watch_states = {{pb::RUNNING, pb::SUCCEEDED}};
  std::vector<pb::JobState> seen;
  EXPECT_TRUE(Watch(&seen).ok());
  EXPECT_THAT(seen, testing::ElementsAre(pb::RUNNING, pb::SUCCEEDED));
}

TEST_F(CoordinatorClientTest, AWatchGoesOnAfterABreak) {
  coordinator_.watch_states = {{pb::RUNNING}, {}, {pb::SUCCEEDED}};
  std::vector<pb::JobState> seen;
  EXPECT_TRUE(Watch(&seen).ok());
  EXPECT_THAT(seen, testing::ElementsAre(pb::RUNNING, pb::SUCCEEDED));
}

TEST_F(CoordinatorClientTest, AWatchEndsWhenItsCallerWantsNoMore) {
  coordinator_.watch_states = {{pb::RUNNING, pb::RUNNING, pb::RUNNING}};
  int seen = 0;
  EXPECT_TRUE(
      client_->WatchJob("j", [&](const pb::Job&) { return ++seen < 2; }).ok());
  EXPECT_EQ(seen, 2);
}

TEST_F(CoordinatorClientTest, AWatchOfAnUnknownJobIsAnError) {
  std::vector<pb::JobState> seen;
  EXPECT_EQ(ReasonOf(Watch(&seen)), "JOB_NOT_FOUND");
}

TEST_F(CoordinatorClientTest, SaysAtOnceWhereNobodyEverAnswered) {
  coordinator_.Leave();
  int told = 0;
  Reconnecting how;
  how.lost = [&](const absl::Status&) { ++told; };
  const auto client =
      CoordinatorClient::Connect(coordinator_.address(), std::move(how));
  const absl::Status status =
      client->WatchJob("j", [](const pb::Job&) { return true; });
  EXPECT_EQ(ReasonOf(status), "COORDINATOR_UNREACHABLE");
  EXPECT_EQ(told, 0);
}

TEST_F(CoordinatorClientTest, TellsOnceThatTheConnectionIsLostAndThenFound) {
  std::vector<std::string> told;
  absl::Notification lost;
  Reconnecting how;
  how.lost = [&](const absl::Status&) {
    told.push_back("lost");
    lost.Notify();
  };
  how.found = [&] { told.push_back("found"); };
  how.retry_for = absl::Minutes(10);
  auto coordinator = std::make_unique<FakeCoordinator>();
  const std::string address = coordinator->address();
  const auto client = CoordinatorClient::Connect(address, std::move(how));
  pb::GetJobRequest request;
  request.set_id("j");
  ASSERT_TRUE(client->GetJob(request).ok());
  coordinator->Leave();
  coordinator.reset();
  std::thread call([&] { EXPECT_EQ(client->GetJob(request)->id(), "j"); });
  lost.WaitForNotification();
  coordinator = std::make_unique<FakeCoordinator>(
      std::stoi(address.substr(address.rfind(':') + 1)));
  call.join();
  EXPECT_THAT(told, testing::ElementsAre("lost", "found"));
}

TEST_F(CoordinatorClientTest, GivesUpAfterAWhile) {
  Reconnecting how;
  how.retry_for = absl::Milliseconds(300);
  const auto client =
      CoordinatorClient::Connect(coordinator_.address(), std::move(how));
  pb::GetJobRequest request;
  request.set_id("j");
  ASSERT_TRUE(client->GetJob(request).ok());
  coordinator_.Leave();
  EXPECT_EQ(ReasonOf(client->GetJob(request).status()),
            "COORDINATOR_UNREACHABLE");
}

TEST(Reconnector, GoesOnForAWhileAfterALoss) {
  FakeClock clock;
  Reconnector reconnector({}, clock);
  EXPECT_FALSE(reconnector.AgainAfter(absl::UnavailableError("")));
  reconnector.Answered();
  EXPECT_TRUE(reconnector.AgainAfter(absl::UnavailableError("")));
  EXPECT_TRUE(reconnector.AgainAfter(Draining("coordinator")));
  EXPECT_TRUE(reconnector.AgainAfter(NotReady("coordinator")));
  EXPECT_FALSE(reconnector.AgainAfter(absl::InternalError("")));
  EXPECT_FALSE(reconnector.AgainAfter(absl::OkStatus()));
  clock.Advance(absl::Seconds(61));
  EXPECT_FALSE(reconnector.AgainAfter(absl::UnavailableError("")));
}

TEST_F(CoordinatorClientTest, UploadsPiecesOfAnySizeInMessagesBelowTheLimit) {
  const std::string big((5 << 20) / 2, 'x');
  const auto response = client_->Upload("new.csv", Pieces({"a,b\n", big}));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->id(), "u1");
  EXPECT_EQ(coordinator_.name, "new.csv");
  EXPECT_EQ(coordinator_.content, "a,b\n" + big);
  EXPECT_EQ(coordinator_.largest_chunk, kChunkBytes);
  EXPECT_EQ(coordinator_.end.bytes(), 4 + (5 << 20) / 2);
  EXPECT_EQ(coordinator_.end.sha256(), Sha256Hex("a,b\n" + big));
}

TEST_F(CoordinatorClientTest, UploadsAnEmptyFile) {
  ASSERT_TRUE(client_->Upload("empty.csv", Pieces({})).ok());
  EXPECT_EQ(coordinator_.name, "empty.csv");
  EXPECT_EQ(coordinator_.end.sha256(), Sha256Hex(""));
}

TEST_F(CoordinatorClientTest, AnUploadEndsWithItsSourcesError) {
  const auto response =
      client_->Upload("x", []() -> absl::StatusOr<std::string> {
        return absl::DataLossError("disk");
      });
  EXPECT_TRUE(absl::IsDataLoss(response.status()));
}

TEST_F(CoordinatorClientTest, AnUploadTellsWhyItWasRefused) {
  coordinator_.refusal = MakeError(absl::StatusCode::kResourceExhausted,
                                   "UPLOAD_TOO_LARGE", "too large");
  const std::vector<std::string> pieces(50, std::string(1 << 20, 'x'));
  EXPECT_EQ(ReasonOf(client_->Upload("x", Pieces(pieces)).status()),
            "UPLOAD_TOO_LARGE");
}

TEST_F(CoordinatorClientTest, ReadsOutputFromAnOffset) {
  coordinator_.content = "0123456789";
  std::string read;
  const absl::Status status = client_->ReadOutput(
      "j", "part-0", 4, [&](absl::string_view piece) -> absl::Status {
        read.append(piece.data(), piece.size());
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(read, "456789");
}

TEST_F(CoordinatorClientTest, AReadThatBreaksOffIsAnError) {
  coordinator_.content = "01";
  coordinator_.refusal = absl::DataLossError("disk");
  const absl::Status status = client_->ReadOutput(
      "j", "part-0", 0, [](absl::string_view) { return absl::OkStatus(); });
  EXPECT_TRUE(absl::IsDataLoss(status));
}

TEST_F(CoordinatorClientTest, AReadEndsWithItsSinksFirstError) {
  coordinator_.content = "0123456789";
  int pieces = 0;
  const absl::Status status =
      client_->ReadOutput("j", "part-0", 0, [&](absl::string_view) {
        return ++pieces == 2 ? absl::ResourceExhaustedError("disk full")
                             : absl::OkStatus();
      });
  EXPECT_TRUE(absl::IsResourceExhausted(status));
  EXPECT_EQ(pieces, 2);
}

TEST_F(CoordinatorClientTest, HealthIsThatOfTheServiceAskedFor) {
  EXPECT_TRUE(client_->CheckHealth("").ok());
  EXPECT_TRUE(client_->CheckHealth("troupe.v1.Coordinator").ok());
  EXPECT_TRUE(absl::IsNotFound(client_->CheckHealth("troupe.v1.Stage")));
  coordinator_.Leave();
  EXPECT_TRUE(absl::IsUnavailable(client_->CheckHealth("")));
}

}  // namespace
}  // namespace troupe
