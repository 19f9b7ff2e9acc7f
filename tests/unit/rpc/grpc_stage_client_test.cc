#include "client/rpc/grpc_stage_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "client/rpc/channel.h"
#include "grpcpp/grpcpp.h"
#include "proto/pb.h"
#include "services/base/errors.h"
#include "services/base/mutex.h"
#include "services/host/grpc_status.h"
#include "services/host/sha256.h"
#include "troupe/v1/artifact.grpc.pb.h"
#include "troupe/v1/stage.grpc.pb.h"

namespace troupe {
namespace {

// A stage that really listens: Process mirrors its table, Fit all its tables,
// and Put tells what arrived.
class MirrorStage : public pb::Stage::Service, public pb::Artifacts::Service {
 public:
  MirrorStage() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    builder.RegisterService(static_cast<pb::Stage::Service*>(this));
    builder.RegisterService(static_cast<pb::Artifacts::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  std::string address() const { return absl::StrCat("ipv4:127.0.0.1:", port_); }
  void Stop() { server_->Shutdown(std::chrono::system_clock::now()); }

  grpc::Status Process(grpc::ServerContext* context,
                       const pb::ProcessRequest* request,
                       pb::ProcessResponse* response) override {
    {
      MutexLock lock(&mutex_);  // Calls come on several threads.
      for (const auto& [key, value] : context->client_metadata())
        metadata[{key.data(), key.size()}] = {value.data(), value.size()};
    }
    if (hang) {
      entered.Notify();
      while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
      return grpc::Status::CANCELLED;
    }
    if (!refusal.ok()) return ToGrpcStatus(refusal);
    *response->mutable_id() = request->id();
    response->set_rows(5);
    response->set_table(request->table());
    return grpc::Status::OK;
  }

  grpc::Status Fit(grpc::ServerContext* context,
                   grpc::ServerReaderWriter<pb::FitResponse, pb::FitRequest>*
                       stream) override {
    if (!refusal.ok()) return ToGrpcStatus(refusal);
    pb::FitRequest request;
    pb::FitResponse last;
    std::string all;
    while (stream->Read(&request)) {
      if (request.has_start())
        *last.mutable_result()->mutable_id() = request.start().id();
      all += request.table();
    }
    pb::FitResponse message;
    message.mutable_progress()->set_rounds(7);
    stream->Write(message);
    for (size_t at = 0; at < all.size(); at += 300'000) {
      message.set_artifact_piece(all.substr(at, 300'000));
      stream->Write(message);
      if (!hang) continue;
      entered.Notify();
      while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
      return grpc::Status::CANCELLED;
    }
    last.mutable_result()->set_artifact_bytes(static_cast<int64_t>(all.size()));
    last.mutable_result()->set_artifact_sha256(Sha256Hex(all));
    stream->Write(last);
    return grpc::Status::OK;
  }

  grpc::Status Put(grpc::ServerContext*,
                   grpc::ServerReader<pb::ArtifactChunk>* reader,
                   pb::PutArtifactResponse* response) override {
    if (!refusal.ok()) return ToGrpcStatus(refusal);
    pb::ArtifactChunk chunk;
    while (reader->Read(&chunk)) {
      if (!chunk.sha256().empty()) put_sha256 = chunk.sha256();
      put_content += chunk.content();
    }
    response->set_bytes(static_cast<int64_t>(put_content.size()));
    return grpc::Status::OK;
  }

  // Set before the call.
  absl::Status refusal;
  bool hang = false;
  // Read after it.
  std::map<std::string, std::string> metadata;
  absl::Notification entered;
  std::string put_sha256;
  std::string put_content;

 private:
  Mutex mutex_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class GrpcStageClientTest : public testing::Test {
 protected:
  UnaryReply Process(UnaryCall call) {
    std::promise<UnaryReply> reply;
    call.method = "/troupe.v1.Stage/Process";
    client_.Call(std::move(call),
                 [&](UnaryReply got) { reply.set_value(std::move(got)); });
    return reply.get_future().get();
  }
  absl::Status Put(const std::string& content) {
    std::promise<absl::Status> status;
    client_.Put(Sha256Hex(content),
                std::make_shared<const std::string>(content), absl::Seconds(30),
                [&](absl::Status got) { status.set_value(std::move(got)); });
    return status.get_future().get();
  }

  MirrorStage stage_;
  RpcThread thread_;
  GrpcStageClient client_{stage_.address(), &thread_};
};

std::string RandomBytes(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

TEST_F(GrpcStageClientTest, RelaysTablesOfAllSizesByteForByte) {
  for (const size_t size : {0, 1, 127, 128, 16384, 1 << 20, 20 << 20}) {
    const std::string table = RandomBytes(size, static_cast<unsigned>(size));
    UnaryCall call;
    call.table = TableBytes::FromTable(table);
    // Three hops: each answer's table is the next request's.
    for (int hop = 0; hop < 3; ++hop) {
      UnaryReply reply = Process(call);
      ASSERT_TRUE(reply.status.ok()) << size << reply.status;
      call.table = reply.table;
    }
    EXPECT_EQ(*call.table.TableString(), table) << size;
  }
}

TEST_F(GrpcStageClientTest, HeadersGoThereAndComeBack) {
  pb::ProcessRequest request;
  request.mutable_id()->set_job("j");
  request.mutable_id()->set_number(7);
  UnaryCall call;
  call.header = request.SerializeAsString();
  call.table = TableBytes::FromTable("rows");
  const UnaryReply reply = Process(call);
  pb::ProcessResponse response;
  ASSERT_TRUE(response.ParseFromString(reply.header));
  EXPECT_EQ(response.id().number(), 7);
  EXPECT_EQ(response.rows(), 5);
  EXPECT_TRUE(response.table().empty());
}

TEST_F(GrpcStageClientTest, TellsLaneLimitAndTraceInMetadata) {
  UnaryCall call;
  call.lane = "online";
  call.work_limit = absl::Seconds(2);
  call.trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_TRUE(Process(call).status.ok());
  EXPECT_EQ(stage_.metadata["troupe-lane"], "online");
  EXPECT_EQ(stage_.metadata["troupe-work-limit-ms"], "2000");
  EXPECT_EQ(stage_.metadata["traceparent"], call.trace);
}

TEST_F(GrpcStageClientTest, ErrorsKeepReasonAndMetadata) {
  stage_.refusal = ArtifactMissing("00ff");
  const UnaryReply reply = Process(UnaryCall());
  EXPECT_EQ(ReasonOf(reply.status), "ARTIFACT_MISSING");
  EXPECT_EQ(MetadataOf(reply.status)["sha256"], "00ff");
}

TEST_F(GrpcStageClientTest, AMessageBeyondTheLimitIsRefusedWithoutOurReason) {
  UnaryCall call;
  call.table = TableBytes::FromTable(std::string(kMaxMessageBytes, 'x'));
  const absl::Status status = Process(std::move(call)).status;
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(ReasonOf(status), "");
}

TEST_F(GrpcStageClientTest, AReplicaThatIsGoneIsUnavailable) {
  ASSERT_TRUE(Process(UnaryCall()).status.ok());
  stage_.Stop();
  EXPECT_TRUE(absl::IsUnavailable(Process(UnaryCall()).status));
}

TEST_F(GrpcStageClientTest, ADeadlineEndsACall) {
  stage_.hang = true;
  UnaryCall call;
  call.timeout = absl::Milliseconds(50);
  EXPECT_TRUE(absl::IsDeadlineExceeded(Process(call).status));
}

TEST_F(GrpcStageClientTest, CancelEndsACall) {
  stage_.hang = true;
  std::promise<absl::Status> status;
  UnaryCall call;
  call.method = "/troupe.v1.Stage/Process";
  const auto open =
      client_.Call(call, [&](UnaryReply got) { status.set_value(got.status); });
  stage_.entered.WaitForNotification();
  open->Cancel();
  EXPECT_TRUE(absl::IsCancelled(status.get_future().get()));
}

TEST_F(GrpcStageClientTest, TheThreadsEndEndsWhatIsOpen) {
  stage_.hang = true;
  auto thread = std::make_unique<RpcThread>();
  GrpcStageClient client(stage_.address(), thread.get());
  std::promise<absl::Status> status;
  UnaryCall call;
  call.method = "/troupe.v1.Stage/Process";
  client.Call(call, [&](UnaryReply got) { status.set_value(got.status); });
  stage_.entered.WaitForNotification();
  thread.reset();
  EXPECT_TRUE(absl::IsCancelled(status.get_future().get()));
}

TEST_F(GrpcStageClientTest, PutsArtifactsOfAllSizes) {
  for (const size_t size : {0, 5, 1 << 20, (5 << 20) + 3}) {
    stage_.put_content.clear();
    const std::string content = RandomBytes(size, 3);
    ASSERT_TRUE(Put(content).ok()) << size;
    EXPECT_EQ(stage_.put_sha256, Sha256Hex(content)) << size;
    EXPECT_EQ(stage_.put_content, content) << size;
  }
}

TEST_F(GrpcStageClientTest, APutTellsWhyItWasRefused) {
  stage_.refusal = ArtifactCorrupt("no trees");
  EXPECT_EQ(ReasonOf(Put(RandomBytes(8 << 20, 1))), "ARTIFACT_CORRUPT");
}

TEST_F(GrpcStageClientTest, AFitSendsItsTablesInOrder) {
  pb::FitStart start;
  start.mutable_id()->set_job("j");
  std::vector<int> rounds;
  FitOptions options;
  options.on_progress = [&](const pb::FitProgress& progress) {
    rounds.push_back(progress.rounds());
  };
  const auto fit = client_.Fit(start, options);
  std::string all;
  for (unsigned i = 0; i < 20; ++i) {
    const std::string table = RandomBytes(100'000, i);
    ASSERT_TRUE(fit->Write(TableBytes::FromTable(table)).ok());
    all += table;
  }
  const auto learned = fit->Finish();
  ASSERT_TRUE(learned.ok()) << learned.status();
  EXPECT_TRUE(learned->artifact == all);
  EXPECT_EQ(learned->result.id().job(), "j");
  EXPECT_THAT(rounds, testing::ElementsAre(7));
}

TEST_F(GrpcStageClientTest, AFitTakesNoMoreThanItIsAllowed) {
  FitOptions options;
  options.max_artifact_bytes = 1'000'000;
  const auto fit = client_.Fit(pb::FitStart(), options);
  const std::string table = RandomBytes(1'000'000, 1);
  ASSERT_TRUE(fit->Write(TableBytes::FromTable(table)).ok());
  ASSERT_TRUE(fit->Write(TableBytes::FromTable("x")).ok());
  EXPECT_EQ(ReasonOf(fit->Finish().status()), "ARTIFACT_TOO_LARGE");
}

TEST_F(GrpcStageClientTest, AFitIsCancelledBetweenPieces) {
  stage_.hang = true;
  const auto fit = client_.Fit(pb::FitStart(), FitOptions());
  ASSERT_TRUE(
      fit->Write(TableBytes::FromTable(RandomBytes(1'000'000, 1))).ok());
  auto learned = std::async(std::launch::async, [&] { return fit->Finish(); });
  stage_.entered.WaitForNotification();
  fit->Cancel();
  EXPECT_TRUE(absl::IsCancelled(learned.get().status()));
}

TEST_F(GrpcStageClientTest, AReplicaThatEndsBetweenPiecesHasNotFitted) {
  stage_.hang = true;
  const auto fit = client_.Fit(pb::FitStart(), FitOptions());
  ASSERT_TRUE(
      fit->Write(TableBytes::FromTable(RandomBytes(1'000'000, 1))).ok());
  auto learned = std::async(std::launch::async, [&] { return fit->Finish(); });
  stage_.entered.WaitForNotification();
  stage_.Stop();
  const absl::Status status = learned.get().status();
  EXPECT_TRUE(absl::IsCancelled(status) || absl::IsUnavailable(status))
      << status;
}

TEST_F(GrpcStageClientTest, AFitThatIsRefusedTellsWhyInWriteAndFinish) {
  stage_.refusal = TrainingTooLarge(2, 1);
  const auto fit = client_.Fit(pb::FitStart(), FitOptions());
  const TableBytes table = TableBytes::FromTable(RandomBytes(1 << 20, 1));
  absl::Status status;
  while (status.ok()) status = fit->Write(table);
  EXPECT_EQ(ReasonOf(status), "TRAINING_TOO_LARGE");
  EXPECT_EQ(ReasonOf(fit->Finish().status()), "TRAINING_TOO_LARGE");
}

TEST_F(GrpcStageClientTest, AFitThatIsDroppedIsCancelled) {
  // The thread's end waits for it: the test would hang if it stayed open.
  client_.Fit(pb::FitStart(), FitOptions());
}

TEST_F(GrpcStageClientTest, ManyCallsAtOnceAllComeBack) {
  constexpr int kCalls = 500;
  std::atomic<int> ok = 0;
  std::atomic<int> left = kCalls;
  absl::Notification over;
  for (int i = 0; i < kCalls; ++i) {
    UnaryCall call;
    call.method = "/troupe.v1.Stage/Process";
    call.table = TableBytes::FromTable(absl::StrCat("row ", i));
    client_.Call(call, [&, i](const UnaryReply& reply) {
      ok += *reply.table.TableString() == absl::StrCat("row ", i) ? 1 : 0;
      if (--left == 0) over.Notify();
    });
  }
  over.WaitForNotification();
  EXPECT_EQ(ok, kCalls);
}

}  // namespace
}  // namespace troupe
