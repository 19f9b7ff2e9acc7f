// A real server on loopback, with a stage that does what it is told.
#include "services/host/host.h"

#include <algorithm>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/impl/client_unary_call.h"
#include "gtest/gtest.h"
#include "tests/unit/host/echo_host.h"

namespace troupe {
namespace {

using grpc::health::v1::HealthCheckResponse;

std::future<absl::StatusOr<pb::ProcessResponse>> ProcessLater(
    EchoHost& echo, const std::string& table,
    grpc::ClientContext* context = nullptr) {
  return std::async(std::launch::async, [&echo, table, context] {
    return echo.Process(table, context);
  });
}

void SetTimeout(grpc::ClientContext& context, int milliseconds) {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(milliseconds));
}

TEST(Unary, AnswersWithIdAndCredit) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  const auto response = echo.Process("hello");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->table(), "hello");
  EXPECT_EQ(response->id().job(), "job");
  EXPECT_EQ(response->id().number(), 7);
  EXPECT_EQ(response->credit(), 64);
}

TEST(Unary, CarriesManyCallsAtOnce) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string text = absl::StrCat(t, "/", i);
        const auto response = echo.Process(text);
        if (response.ok() && response->table() == text) ++good;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 1600);
  EXPECT_EQ(echo.Lane("batch").succeeded(), 1600);
  EXPECT_EQ(echo.Lane("batch").rows(), 1600);
  EXPECT_EQ(echo.Lane("batch").in_flight(), 0);
}

// As large as a Merge of 64 MiB of partials, with room for its header.
TEST(Unary, CarriesLargeTables) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  const auto stub = pb::Stage::NewStub(
      grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", echo.host->port()),
                                grpc::InsecureChannelCredentials(), arguments));
  pb::ProcessRequest request;
  request.set_table(std::string((64 << 20) + (1 << 20), 'x'));
  pb::ProcessResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(stub->Process(&context, request, &response).ok());
  EXPECT_EQ(response.table().size(), 65u << 20);
}

TEST(Unary, RefusesMessagesAboveTheLimit) {
  HostOptions options;
  options.max_message_bytes = 1 << 20;
  EchoHost echo(options);
  ASSERT_TRUE(echo.Start().ok());
  const absl::Status status = echo.Process(std::string(2 << 20, 'x')).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "");
  EXPECT_TRUE(echo.Process("small").ok());
}

TEST(Unary, MalformedMessageIsRefused) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  pb::ArtifactChunk other;  // Its field 1 is a string, not a message.
  other.set_sha256("\xff\xff not a BatchId");
  grpc::ClientContext context;
  grpc::internal::RpcMethod method("/troupe.v1.Stage/Process",
                                   grpc::internal::RpcMethod::NORMAL_RPC);
  pb::ProcessResponse response;
  const auto channel =
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", echo.host->port()),
                          grpc::InsecureChannelCredentials());
  const grpc::Status status =
      grpc::internal::BlockingUnaryCall<pb::ArtifactChunk, pb::ProcessResponse>(
          channel.get(), method, &context, other, &response);
  EXPECT_EQ(ReasonOf(FromGrpcStatus(status)), "BAD_MESSAGE");
}

TEST(Unary, MethodThatTheStageLacksIsUnimplemented) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  grpc::ClientContext context;
  pb::DescribeResponse response;
  const absl::Status status =
      FromGrpcStatus(echo.stub->Describe(&context, {}, &response));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ReasonOf(status), "UNKNOWN_METHOD");
}

TEST(Unary, ExceptionIsInternalAndTheActorLivesOn) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  const absl::Status status = echo.Process("throw").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReasonOf(status), "HANDLER_FAILED");
  EXPECT_EQ(status.message(), "echo failed: boom");
  EXPECT_TRUE(echo.Process("hello").ok());
}

TEST(Unary, LaneComesFromTheMetadata) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  grpc::ClientContext context;
  context.AddMetadata("troupe-lane", "online");
  ASSERT_TRUE(echo.Process("hello", &context).ok());
  EXPECT_EQ(echo.Lane("online").succeeded(), 1);
  EXPECT_EQ(echo.Lane("batch").succeeded(), 0);
}

TEST(Unary, UnknownLaneIsRefused) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  grpc::ClientContext context;
  context.AddMetadata("troupe-lane", "express");
  EXPECT_EQ(ReasonOf(echo.Process("hello", &context).status()), "BAD_MESSAGE");
}

TEST(Unary, WorkLimitComesFromTheMetadata) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  grpc::ClientContext context;
  context.AddMetadata("troupe-work-limit-ms", "50");
  const absl::Status status = echo.Process("hang", &context).status();
  EXPECT_EQ(ReasonOf(status), "WORK_LIMIT_EXCEEDED");
  EXPECT_TRUE(echo.stage->saw_cancel.Wait());
}

TEST(Full, RejectsAtOnceWhileStatsAnswer) {
  HostOptions options;
  options.mailbox_messages = 2;
  EchoHost echo(options);
  ASSERT_TRUE(echo.Start().ok());
  auto running = ProcessLater(echo, "wait");
  ASSERT_TRUE(echo.stage->entered.Wait());
  auto first = ProcessLater(echo, "a");
  auto second = ProcessLater(echo, "b");
  echo.AwaitDepth("batch", 2);

  grpc::ClientContext context;
  const absl::Status full = echo.Process("c", &context).status();
  EXPECT_EQ(ReasonOf(full), "MAILBOX_FULL");
  EXPECT_EQ(RetryDelayOf(full), absl::Milliseconds(50));
  EXPECT_EQ(context.GetServerTrailingMetadata().count("grpc-retry-pushback-ms"),
            1u);
  const pb::LaneStats lane = echo.Lane("batch");
  EXPECT_EQ(lane.running_method(), "troupe.v1.Stage/Process");
  EXPECT_EQ(lane.rejected().at("MAILBOX_FULL"), 1);
  EXPECT_EQ(lane.in_flight(), 3);

  echo.stage->gate.Open();
  EXPECT_TRUE(running.get().ok());
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
}

TEST(Queue, ExpiredMessageIsNotExecuted) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  auto running = ProcessLater(echo, "wait");
  ASSERT_TRUE(echo.stage->entered.Wait());
  grpc::ClientContext context;
  SetTimeout(context, 50);
  EXPECT_EQ(echo.Process("late", &context).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  // The server's deadline is a little later than the caller's, who says on the
  // same connection as this call that he left.
  echo.Stats();
  echo.stage->gate.Open();
  ASSERT_TRUE(running.get().ok());
  ASSERT_TRUE(echo.Process("next").ok());
  EXPECT_EQ(echo.stage->processed, 2);
  EXPECT_EQ(echo.Lane("batch").expired() + echo.Lane("batch").cancelled(), 1);
}

TEST(Queue, CancelledMessageIsNotExecuted) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  auto running = ProcessLater(echo, "wait");
  ASSERT_TRUE(echo.stage->entered.Wait());
  grpc::ClientContext context;
  auto cancelled = ProcessLater(echo, "unwanted", &context);
  echo.AwaitDepth("batch", 1);
  context.TryCancel();
  EXPECT_EQ(cancelled.get().status().code(), absl::StatusCode::kCancelled);
  // The cancellation is on its way on the same connection as this call.
  echo.Stats();
  echo.stage->gate.Open();
  ASSERT_TRUE(running.get().ok());
  ASSERT_TRUE(echo.Process("next").ok());
  EXPECT_EQ(echo.stage->processed, 2);
  EXPECT_EQ(echo.Lane("batch").cancelled(), 1);
}

TEST(Queue, RunningHandlerSeesThatItsCallerLeft) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  grpc::ClientContext context;
  auto hanging = ProcessLater(echo, "hang", &context);
  ASSERT_TRUE(echo.stage->entered.Wait());
  context.TryCancel();
  EXPECT_TRUE(echo.stage->saw_cancel.Wait());
  EXPECT_EQ(hanging.get().status().code(), absl::StatusCode::kCancelled);
}

TEST(Stop, DrainHandlesTheQueueAndRejectsTheRest) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  auto running = ProcessLater(echo, "wait");
  ASSERT_TRUE(echo.stage->entered.Wait());
  auto queued = ProcessLater(echo, "queued");
  echo.AwaitDepth("batch", 1);

  grpc::ClientContext context;
  pb::StopResponse response;
  ASSERT_TRUE(echo.control->Stop(&context, {}, &response).ok());
  EXPECT_TRUE(response.began());
  EXPECT_EQ(ReasonOf(echo.Process("late").status()), "DRAINING");
  EXPECT_EQ(echo.Stats().state(), pb::DRAINING);
  EXPECT_EQ(echo.Health(""), "NOT_SERVING");
  echo.host->AwaitStop();
  echo.stage->gate.Open();
  EXPECT_TRUE(echo.host->Drain());
  EXPECT_TRUE(running.get().ok());
  EXPECT_TRUE(queued.get().ok());
}

TEST(Stop, NowBouncesTheQueueAndCancelsTheHandler) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  auto running = ProcessLater(echo, "hang");
  ASSERT_TRUE(echo.stage->entered.Wait());
  auto queued = ProcessLater(echo, "queued");
  echo.AwaitDepth("batch", 1);
  grpc::ClientContext context;
  pb::StopRequest request;
  request.set_mode(pb::NOW);
  pb::StopResponse response;
  ASSERT_TRUE(echo.control->Stop(&context, request, &response).ok());
  EXPECT_EQ(ReasonOf(queued.get().status()), "DRAINING");
  EXPECT_EQ(ReasonOf(running.get().status()), "DRAINING");
  EXPECT_TRUE(echo.host->Drain());
  EXPECT_EQ(echo.stage->processed, 1);
}

TEST(Stop, IsIdempotentOverTheNetwork) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  auto running = ProcessLater(echo, "wait");
  ASSERT_TRUE(echo.stage->entered.Wait());
  for (const bool began : {true, false}) {
    grpc::ClientContext context;
    pb::StopResponse response;
    ASSERT_TRUE(echo.control->Stop(&context, {}, &response).ok());
    EXPECT_EQ(response.began(), began);
  }
  echo.stage->gate.Open();
  EXPECT_TRUE(running.get().ok());
}

TEST(Stop, LeavesAHandlerThatDoesNotEnd) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  auto stuck = ProcessLater(echo, "wait");
  ASSERT_TRUE(echo.stage->entered.Wait());
  echo.host->Stop(StopMode::kDrain, absl::Milliseconds(50));
  EXPECT_FALSE(echo.host->Drain());
  echo.host->Close();
  EXPECT_EQ(ReasonOf(stuck.get().status()), "DRAINING");
}

TEST(Stop, NowAfterDrainDoesNotWaitOutTheDrainTime) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  auto stuck = ProcessLater(echo, "wait");
  ASSERT_TRUE(echo.stage->entered.Wait());
  EXPECT_TRUE(echo.host->Stop(StopMode::kDrain, absl::Hours(1)));
  auto drained =
      std::async(std::launch::async, [&] { return echo.host->Drain(); });
  EXPECT_FALSE(echo.host->Stop(StopMode::kNow));
  EXPECT_EQ(echo.host->drain_time_left(), absl::ZeroDuration());
  EXPECT_FALSE(drained.get());
  EXPECT_EQ(ReasonOf(stuck.get().status()), "DRAINING");
}

TEST(Stop, TheDrainTimeThatEndsFirstCounts) {
  for (const absl::Duration second : {absl::Milliseconds(50), absl::Hours(2)}) {
    const absl::Duration first = absl::Hours(2) - second;
    EchoHost echo;
    ASSERT_TRUE(echo.Start().ok());
    auto stuck = ProcessLater(echo, "wait");
    ASSERT_TRUE(echo.stage->entered.Wait());
    EXPECT_TRUE(echo.host->Stop(StopMode::kDrain, first));
    EXPECT_FALSE(echo.host->Stop(StopMode::kDrain, second));
    EXPECT_FALSE(echo.host->Drain());
    EXPECT_EQ(ReasonOf(stuck.get().status()), "DRAINING");
  }
}

TEST(Stop, DoesNotWaitBeyondItForWhatTheProviderEnds) {
  EchoHost echo;
  echo.stage->drained = false;
  ASSERT_TRUE(echo.Start().ok());
  echo.host->Stop(StopMode::kDrain, absl::Milliseconds(50));
  EXPECT_FALSE(echo.host->Drain());
  EXPECT_EQ(echo.host->drain_time_left(), absl::ZeroDuration());
}

TEST(Stop, IsToldOncePerHasteningAndNotByTheEnd) {
  std::vector<absl::Duration> told;
  HostOptions options;
  options.service = "echo";
  options.on_stop = [&](absl::Duration time) { told.push_back(time); };
  {
    Host host(options, {std::make_unique<EchoStage>(), nullptr});
    ASSERT_TRUE(host.Listen().ok());
    ASSERT_TRUE(host.Start().ok());
    host.Stop(StopMode::kDrain, absl::Hours(2));
    host.Stop(StopMode::kDrain, absl::Hours(3));
    host.Stop(StopMode::kDrain, absl::Hours(1));
    EXPECT_TRUE(host.Drain());
    host.Close();
  }
  EXPECT_EQ(told, (std::vector{absl::Hours(2), absl::Hours(1)}));
}

// Whoever closes when AwaitStop returns has heard of the stop by then, and does
// not take it for one more, in the middle of its last replies.
TEST(Stop, IsToldBeforeTheWaitingForItEnds) {
  std::atomic<bool> told = false;
  HostOptions options;
  options.service = "echo";
  options.on_stop = [&](absl::Duration) {
    absl::SleepFor(absl::Milliseconds(50));
    told = true;
  };
  Host host(options, {std::make_unique<EchoStage>(), nullptr});
  ASSERT_TRUE(host.Listen().ok());
  ASSERT_TRUE(host.Start().ok());
  std::thread stop([&] { host.Stop(StopMode::kNow); });
  host.AwaitStop();
  EXPECT_TRUE(told);
  stop.join();
}

TEST(Stop, WaitsForWhatTheProviderEnds) {
  EchoHost echo;
  echo.stage->drained = false;
  ASSERT_TRUE(echo.Start().ok());
  echo.host->Stop(StopMode::kDrain, absl::Hours(1));
  auto drained =
      std::async(std::launch::async, [&] { return echo.host->Drain(); });
  echo.stage->drained = true;
  EXPECT_TRUE(drained.get());
}

// Sends quick messages until they are handled on the polling thread: not that
// of the first.
void MakeQuick(EchoHost& echo) {
  ASSERT_TRUE(echo.Process("first").ok());
  const std::thread::id lane_thread = echo.stage->last_thread;
  while (echo.stage->last_thread == lane_thread)
    ASSERT_TRUE(echo.Process("quick").ok());
}

TEST(Quick, MessageThatTurnsOutSlowLeavesThePollingToAnother) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  ASSERT_NO_FATAL_FAILURE(MakeQuick(echo));
  auto running = ProcessLater(echo, "wait");
  ASSERT_TRUE(echo.stage->entered.Wait());
  auto behind = ProcessLater(echo, "behind");
  grpc::ClientContext context;
  SetTimeout(context, 10'000);
  pb::ActorStats stats;
  EXPECT_TRUE(echo.control->GetStats(&context, {}, &stats).ok());
  echo.stage->gate.Open();
  EXPECT_TRUE(running.get().ok());
  EXPECT_TRUE(behind.get().ok());
}

TEST(Quick, StopLeavesAHandlerThatDoesNotEnd) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  ASSERT_NO_FATAL_FAILURE(MakeQuick(echo));
  auto stuck = ProcessLater(echo, "wait");
  ASSERT_TRUE(echo.stage->entered.Wait());
  echo.host->Stop(StopMode::kDrain, absl::Milliseconds(50));
  EXPECT_FALSE(echo.host->Drain());
  echo.host->Close();
  EXPECT_EQ(ReasonOf(stuck.get().status()), "DRAINING");
}

TEST(Quick, BigMessageIsHandledOnTheLanesThread) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  ASSERT_TRUE(echo.Process("first").ok());
  const std::thread::id lane_thread = echo.stage->last_thread;
  ASSERT_NO_FATAL_FAILURE(MakeQuick(echo));
  ASSERT_TRUE(echo.Process(std::string(2'000'000, 'x')).ok());
  EXPECT_EQ(echo.stage->last_thread, lane_thread);
}

TEST(Health, FollowsTheLifeOfTheProcess) {
  EchoHost echo;
  ASSERT_TRUE(echo.Listen().ok());
  EXPECT_EQ(echo.Health(""), "NOT_SERVING");
  EXPECT_EQ(ReasonOf(echo.Process("early").status()), "NOT_READY");
  ASSERT_TRUE(echo.host->Start().ok());
  EXPECT_EQ(echo.Health(""), "SERVING");
  EXPECT_EQ(echo.Health("troupe.v1.Stage"), "SERVING");
  EXPECT_EQ(echo.Health("troupe.v1.Nothing"), "SERVICE_UNKNOWN");
}

TEST(Health, WatchTellsEveryChange) {
  EchoHost echo;
  ASSERT_TRUE(echo.Listen().ok());
  grpc::ClientContext context;
  const auto reader = echo.health->Watch(&context, {});
  HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  ASSERT_TRUE(echo.host->Start().ok());
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  echo.host->Stop(StopMode::kDrain);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_TRUE(echo.host->Drain());
  echo.host->Close();
  EXPECT_FALSE(reader->Read(&response));
}

TEST(Stats, WatchRepeats) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  grpc::ClientContext context;
  pb::WatchStatsRequest request;
  request.mutable_interval()->set_nanos(1);  // Raised to 100 ms.
  const auto reader = echo.control->WatchStats(&context, request);
  pb::ActorStats stats;
  double uptime = -1;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(reader->Read(&stats));
    EXPECT_GT(stats.uptime_seconds(), uptime);
    uptime = stats.uptime_seconds();
  }
  EXPECT_EQ(stats.service(), "echo");
  EXPECT_EQ(stats.state(), pb::READY);
  EXPECT_GT(stats.rss_bytes(), 0);
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(Artifacts, MissingThenPutThenFound) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  const std::string sha256 = Sha256Hex("trees");
  pb::ProcessRequest request;
  request.set_table("artifact");
  request.set_artifact(sha256);
  const auto process = [&](pb::ProcessResponse& response) {
    grpc::ClientContext context;
    return FromGrpcStatus(echo.stub->Process(&context, request, &response));
  };
  pb::ProcessResponse response;
  const absl::Status missing = process(response);
  EXPECT_EQ(ReasonOf(missing), "ARTIFACT_MISSING");
  EXPECT_EQ(MetadataOf(missing).at("sha256"), sha256);
  ASSERT_TRUE(echo.Put("trees", sha256).ok());
  ASSERT_TRUE(process(response).ok());
  EXPECT_EQ(response.table(), "trees");
}

TEST(Artifacts, RefusesBytesThatAreNotWhatTheyAreCalled) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  EXPECT_EQ(ReasonOf(echo.Put("trees", Sha256Hex("other"))),
            "ARTIFACT_CORRUPT");
  EXPECT_EQ(ReasonOf(echo.Put("trees", "")), "ARTIFACT_CORRUPT");
  EXPECT_EQ(ReasonOf(echo.Put("", Sha256Hex(""))), "ARTIFACT_CORRUPT");
  EXPECT_EQ(ReasonOf(echo.Put("bad", Sha256Hex("bad"))), "ARTIFACT_CORRUPT");
}

// A Fit on its way, and the messages of its answer.
struct OpenFit {
  explicit OpenFit(EchoHost& echo) : stream(echo.stub->Fit(&context)) {}

  bool Start() {
    pb::FitRequest request;
    request.mutable_start()->mutable_id()->set_job("job");
    return stream->Write(request);
  }
  bool Write(const std::string& table) {
    pb::FitRequest request;
    request.set_table(table);
    return stream->Write(request);
  }
  void Close() {
    if (!std::exchange(closed, true)) stream->WritesDone();
  }
  // Reads what there is, to the end.
  absl::Status Finish() {
    Close();
    pb::FitResponse message;
    while (stream->Read(&message)) {
      artifact += message.artifact_piece();
      largest_piece = std::max(largest_piece, message.artifact_piece().size());
      if (message.has_result()) result = message.result();
    }
    return FromGrpcStatus(stream->Finish());
  }

  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReaderWriter<pb::FitRequest, pb::FitResponse>>
      stream;
  bool closed = false;
  std::string artifact;
  size_t largest_piece = 0;
  pb::FitResult result;
};

TEST(Fit, HandsOverItsTablesInOrder) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  OpenFit fit(echo);
  ASSERT_TRUE(fit.Start());
  for (const char* table : {"a", "b", "c"}) ASSERT_TRUE(fit.Write(table));
  ASSERT_TRUE(fit.Finish().ok());
  EXPECT_EQ(fit.artifact, "abc");
  EXPECT_EQ(fit.result.id().job(), "job");
  EXPECT_EQ(fit.result.artifact_bytes(), 3);
  EXPECT_EQ(fit.result.artifact_sha256(), Sha256Hex("abc"));
  EXPECT_EQ(echo.Lane("fit").succeeded(), 1);
  EXPECT_EQ(echo.Lane("fit").rows(), 3);
}

TEST(Fit, AnswersInPiecesThatTheLeastMessageHolds) {
  HostOptions options;
  options.max_message_bytes = 1 << 20;
  EchoHost echo(options);
  ASSERT_TRUE(echo.Start().ok());
  OpenFit fit(echo);
  ASSERT_TRUE(fit.Start());
  std::string all;
  for (const char c : {'a', 'b', 'c', 'd', 'e'}) {
    all += std::string(700'000, c);
    ASSERT_TRUE(fit.Write(std::string(700'000, c)));
  }
  const absl::Status status = fit.Finish();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(fit.artifact == all);
  EXPECT_LE(fit.largest_piece, 1u << 20);
  EXPECT_EQ(fit.result.artifact_bytes(), 3'500'000);
  EXPECT_EQ(fit.result.artifact_sha256(), Sha256Hex(all));
}

TEST(Fit, TellsHowFarItIs) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  OpenFit fit(echo);
  ASSERT_TRUE(fit.Start());
  ASSERT_TRUE(fit.Write("a"));
  pb::FitResponse message;
  ASSERT_TRUE(fit.stream->Read(&message));
  EXPECT_EQ(message.progress().rounds(), 1);
  EXPECT_TRUE(fit.Finish().ok());
}

// A caller that still writes would not read, and a full stream keep both.
TEST(Fit, ReadsWhatTheStageHasNoUseForBeforeItAnswers) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  OpenFit fit(echo);
  ASSERT_TRUE(fit.Start());
  const std::string table(3 << 20, 'x');
  ASSERT_TRUE(fit.Write(table));
  ASSERT_TRUE(fit.Write("enough"));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(fit.Write(table));
  EXPECT_TRUE(fit.Finish().ok());
  EXPECT_TRUE(fit.artifact == table);
}

TEST(Fit, NeedsAStart) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  OpenFit fit(echo);
  fit.Write("a");
  EXPECT_EQ(ReasonOf(fit.Finish()), "BAD_MESSAGE");
}

TEST(Fit, IsBouncedWhileItWaitsForItsCaller) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  OpenFit fit(echo);
  ASSERT_TRUE(fit.Start());
  ASSERT_TRUE(echo.stage->entered.Wait());
  echo.host->Stop(StopMode::kDrain, absl::Milliseconds(50));
  EXPECT_TRUE(echo.host->Drain());
  EXPECT_EQ(ReasonOf(fit.Finish()), "DRAINING");
}

TEST(Fit, EndsWhenItsCallerLeaves) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  {
    OpenFit fit(echo);
    ASSERT_TRUE(fit.Start());
    ASSERT_TRUE(echo.stage->entered.Wait());
    fit.context.TryCancel();
    EXPECT_TRUE(absl::IsCancelled(fit.Finish()));
  }
  while (echo.Lane("fit").in_flight() > 0) std::this_thread::yield();
  EXPECT_EQ(echo.Lane("fit").accepted(), 1);
}

// Sends more than a connection holds, and takes the first piece.
void TakeOnePiece(OpenFit& fit) {
  ASSERT_TRUE(fit.Start());
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(fit.Write(std::string(4 << 20, 'x')));
  fit.Close();
  pb::FitResponse message;
  do {
    ASSERT_TRUE(fit.stream->Read(&message));
  } while (message.has_progress());
  EXPECT_GT(message.artifact_piece().size(), 1u << 19);
}

TEST(Fit, EndsWhenItsCallerLeavesBetweenPieces) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  {
    OpenFit fit(echo);
    ASSERT_NO_FATAL_FAILURE(TakeOnePiece(fit));
    EXPECT_EQ(echo.Lane("fit").in_flight(), 1);
    fit.context.TryCancel();
    EXPECT_TRUE(absl::IsCancelled(fit.Finish()));
  }
  while (echo.Lane("fit").in_flight() > 0) std::this_thread::yield();
  EXPECT_EQ(echo.Lane("fit").succeeded(), 0);
}

TEST(Fit, DrainDoesNotWaitForACallerThatTakesNoPieces) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  OpenFit fit(echo);
  ASSERT_NO_FATAL_FAILURE(TakeOnePiece(fit));
  echo.host->Stop(StopMode::kDrain, absl::Milliseconds(50));
  EXPECT_TRUE(echo.host->Drain());
  EXPECT_FALSE(fit.Finish().ok());
  EXPECT_EQ(fit.result.artifact_sha256(), "");
}

TEST(Fit, DoesNotHoldUpBatches) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  OpenFit fit(echo);
  ASSERT_TRUE(fit.Start());
  ASSERT_TRUE(echo.stage->entered.Wait());
  EXPECT_TRUE(echo.Process("hello").ok());
  EXPECT_TRUE(fit.Finish().ok());
}

TEST(Merge, AnswersInPiecesAndMergesOnce) {
  EchoHost echo;
  ASSERT_TRUE(echo.Start().ok());
  pb::MergeRequest request;
  request.mutable_id()->set_job("job");
  request.add_partials("01234");
  request.add_partials("56789");
  request.set_last(true);
  request.set_max_piece_bytes(4);
  std::string all;
  do {
    grpc::ClientContext context;
    pb::MergeResponse response;
    request.set_offset(static_cast<int64_t>(all.size()));
    ASSERT_TRUE(echo.stub->Merge(&context, request, &response).ok());
    EXPECT_EQ(response.id().job(), "job");
    EXPECT_EQ(response.total_bytes(), 10);
    request.set_sha256(response.sha256());
    all += response.artifact();
  } while (all.size() < 10);
  EXPECT_EQ(all, "0123456789");
  EXPECT_EQ(request.sha256(), Sha256Hex(all));
  EXPECT_EQ(echo.stage->merges, 1);
}

TEST(Listen, PortInUseIsAPlainMessage) {
  EchoHost first;
  ASSERT_TRUE(first.Start().ok());
  HostOptions options;
  options.port = first.host->port();
  EchoHost second(options);
  const absl::Status status = second.Listen();
  EXPECT_EQ(ReasonOf(status), "ADDRESS_IN_USE");
  EXPECT_NE(status.message().find("the port is in use"), std::string::npos);
}

}  // namespace
}  // namespace troupe
