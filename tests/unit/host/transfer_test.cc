// Calls that go piece by piece, and calls that watch, as messages to an actor
// of one thread a lane.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/create_channel.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/grpc_status.h"
#include "services/host/host.h"
#include "services/host/rpc_payload.h"
#include "tests/testing/gate.h"
#include "troupe/v1/coordinator.grpc.pb.h"

namespace troupe {
namespace {

// What the files of a test did.
struct Seen {
  std::atomic<int> alive{0};
  std::atomic<int> given{0};
  Gate dropped;
};

// Takes an upload and answers with its size; gives `pieces` pieces of 1 MiB.
class CountedFile : public FileTransfer {
 public:
  CountedFile(Seen* seen, int pieces) : seen_(*seen), pieces_(pieces) {
    ++seen_.alive;
  }
  ~CountedFile() override {
    if (--seen_.alive == 0) seen_.dropped.Open();
  }

  absl::Status Take(grpc::ByteBuffer& bytes) override {
    if (pieces_ > 0) return absl::OkStatus();
    pb::UploadRequest piece;
    RETURN_IF_ERROR(ParseBytes(bytes, piece));
    if (piece.name() == "bad") return BadSpec("name", "is bad");
    size_ += static_cast<int64_t>(piece.content().size());
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<grpc::ByteBuffer>> Give() override {
    if (pieces_ > 0) {
      if (given_++ == pieces_) return std::nullopt;
      ++seen_.given;
      pb::ReadOutputResponse piece;
      piece.set_content(std::string(1 << 20, 'x'));
      return SerializeBytes(piece);
    }
    if (given_++ > 0) return std::nullopt;
    pb::UploadResponse response;
    response.set_bytes(size_);
    return SerializeBytes(response);
  }

 private:
  Seen& seen_;
  const int pieces_;
  int given_ = 0;
  int64_t size_ = 0;
};

class FileActor : public Actor, public ServiceProvider {
 public:
  std::vector<std::string> ActorServices() override {
    return {"troupe.v1.Coordinator"};
  }
  std::vector<LaneOptions> Lanes() override { return {{"all", 1024}}; }
  std::string LaneOf(const std::string&) override { return "all"; }
  void ServeAt(RpcAdapter& adapter) override {
    adapter.AddTransfer("troupe.v1.Coordinator/Upload", [this] {
      return std::make_unique<CountedFile>(&seen, 0);
    });
    adapter.AddTransfer("troupe.v1.Coordinator/ReadOutput", [this] {
      return std::make_unique<CountedFile>(&seen, 8);
    });
  }
  absl::StatusOr<Reply> OnReceive(Message& message, const Context&) override {
    if (auto reply = RunTransferStep(message)) return *std::move(reply);
    ASSIGN_OR_RETURN(const auto watch, WatchOf(message));
    pb::WatchJobRequest request;
    RETURN_IF_ERROR(ParsePayload(message, request));
    if (request.id() == "unknown") return JobNotFound("unknown");
    pb::Job job;
    job.set_id(request.id());
    ASSIGN_OR_RETURN(grpc::ByteBuffer bytes, SerializeBytes(job));
    watch->Send(std::move(bytes));
    watch->End(absl::OkStatus());
    return Reply{};
  }

  Seen seen;
};

class TransferTest : public testing::Test {
 protected:
  using Uploading = std::unique_ptr<grpc::ClientWriter<pb::UploadRequest>>;

  void Start(absl::Duration max_silence = absl::Minutes(10)) {
    HostOptions options;
    options.service = "files";
    options.max_silence = max_silence;
    HostedActor hosted;
    auto actor = std::make_unique<FileActor>();
    seen_ = &actor->seen;
    hosted.provider = actor.get();
    hosted.actor = std::move(actor);
    host_ = std::make_unique<Host>(std::move(options), std::move(hosted));
    ASSERT_TRUE(host_->Listen().ok());
    ASSERT_TRUE(host_->Start().ok());
    stub_ = pb::Coordinator::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(host_->port()),
                            grpc::InsecureChannelCredentials()));
  }

  // An upload whose caller has sent one byte.
  struct Open {
    grpc::ClientContext context;
    pb::UploadResponse response;
    Uploading writer;
  };
  std::unique_ptr<Open> Begin(const std::string& name = "file") {
    auto open = std::make_unique<Open>();
    open->context.set_deadline(std::chrono::system_clock::now() +
                               std::chrono::seconds(30));
    open->writer = stub_->Upload(&open->context, &open->response);
    pb::UploadRequest piece;
    piece.set_name(name);
    piece.set_content("x");
    open->writer->Write(piece);
    return open;
  }
  std::string Finish(Open& open) {
    open.writer->WritesDone();
    const grpc::Status status = open.writer->Finish();
    return status.ok() ? "OK" : ReasonOf(FromGrpcStatus(status));
  }

  std::unique_ptr<Host> host_;
  Seen* seen_ = nullptr;
  std::unique_ptr<pb::Coordinator::Stub> stub_;
};

TEST_F(TransferTest, TakesAllPiecesAndAnswers) {
  Start();
  const auto upload = Begin();
  pb::UploadRequest piece;
  piece.set_content(std::string(1'000'000, 'x'));
  for (int i = 0; i < 20; ++i) upload->writer->Write(piece);
  EXPECT_EQ(Finish(*upload), "OK");
  EXPECT_EQ(upload->response.bytes(), 20'000'001);
  EXPECT_TRUE(seen_->dropped.Wait());
}

TEST_F(TransferTest, AnErrorOfAPieceIsTheAnswer) {
  Start();
  const auto upload = Begin("bad");
  EXPECT_EQ(Finish(*upload), "BAD_SPEC");
  EXPECT_TRUE(seen_->dropped.Wait());
}

// The lane has one thread, and none of these waits on it.
TEST_F(TransferTest, CallersThatSayNoMoreHoldNobodyUp) {
  Start();
  std::vector<std::unique_ptr<Open>> silent;
  for (int i = 0; i < 50; ++i) silent.push_back(Begin());
  const auto upload = Begin();
  EXPECT_EQ(Finish(*upload), "OK");
  for (auto& each : silent) EXPECT_EQ(Finish(*each), "OK");
}

TEST_F(TransferTest, ReadersThatTakeNothingHoldNobodyUp) {
  Start();
  grpc::ClientContext slow;
  pb::ReadOutputRequest request;
  const auto reader = stub_->ReadOutput(&slow, request);
  reader->WaitForInitialMetadata();
  const auto upload = Begin();
  EXPECT_EQ(Finish(*upload), "OK");
  EXPECT_LT(seen_->given, 8);
  pb::ReadOutputResponse piece;
  int pieces = 0;
  while (reader->Read(&piece)) ++pieces;
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(pieces, 8);
}

TEST_F(TransferTest, LetsGoWhenTheCallerLeaves) {
  Start();
  const auto upload = Begin();
  while (seen_->alive == 0) std::this_thread::yield();
  upload->context.TryCancel();
  EXPECT_TRUE(seen_->dropped.Wait());
}

TEST_F(TransferTest, GivesUpACallerThatBringsTooLittle) {
  Start(absl::Milliseconds(200));
  const auto upload = Begin();
  EXPECT_TRUE(seen_->dropped.Wait());
  EXPECT_EQ(Finish(*upload), "STREAM_SILENT");
}

TEST_F(TransferTest, GivesUpACallerThatTakesTooLittle) {
  Start(absl::Milliseconds(200));
  grpc::ClientContext slow;
  pb::ReadOutputRequest request;
  const auto reader = stub_->ReadOutput(&slow, request);
  EXPECT_TRUE(seen_->dropped.Wait());
  EXPECT_LT(seen_->given, 8);
}

TEST_F(TransferTest, RefusesMoreThanItHasRoomFor) {
  Start();
  std::vector<std::unique_ptr<Open>> open;
  for (int i = 0; i < 128; ++i) open.push_back(Begin());
  while (seen_->alive < 128) std::this_thread::yield();
  const auto upload = Begin();
  EXPECT_EQ(Finish(*upload), "TOO_MANY_STREAMS");
  EXPECT_EQ(Finish(*open.back()), "OK");
  while (seen_->alive == 128) std::this_thread::yield();
  std::string again = "TOO_MANY_STREAMS";
  while (again == "TOO_MANY_STREAMS") again = Finish(*Begin());
  EXPECT_EQ(again, "OK");
}

TEST_F(TransferTest, RefusesAPieceThatIsTooLarge) {
  Start();
  const auto upload = Begin();
  pb::UploadRequest piece;
  piece.set_content(std::string((8 << 20) + 1, 'x'));
  upload->writer->Write(piece);
  EXPECT_EQ(Finish(*upload), "BAD_MESSAGE");
}

TEST_F(TransferTest, EndsWhenTheProcessStops) {
  Start();
  const auto upload = Begin();
  while (seen_->alive == 0) std::this_thread::yield();
  host_->Stop(StopMode::kDrain);
  EXPECT_TRUE(host_->Drain());
  host_->Close();
  EXPECT_EQ(Finish(*upload), "DRAINING");
}

TEST_F(TransferTest, AWatchIsAMessageToo) {
  Start();
  grpc::ClientContext context;
  pb::WatchJobRequest request;
  request.set_id("a");
  const auto reader = stub_->WatchJob(&context, request);
  pb::Job job;
  ASSERT_TRUE(reader->Read(&job));
  EXPECT_EQ(job.id(), "a");
  EXPECT_FALSE(reader->Read(&job));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(TransferTest, TheErrorOfAWatchIsItsAnswer) {
  Start();
  grpc::ClientContext context;
  pb::WatchJobRequest request;
  request.set_id("unknown");
  const auto reader = stub_->WatchJob(&context, request);
  pb::Job job;
  EXPECT_FALSE(reader->Read(&job));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(reader->Finish())), "JOB_NOT_FOUND");
}

}  // namespace
}  // namespace troupe
