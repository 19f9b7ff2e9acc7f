#include "client/coordinator/stages/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/coordinator/stages/retry_policy.h"
#include "client/coordinator/stages/topology.h"
#include "services/base/errors.h"
#include "tests/unit/coordinator/stages/dispatcher_fixture.h"
#include "troupe/v1/loader.pb.h"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(DispatcherTest, CarriesACallThereAndItsAnswerBack) {
  Serve({"a"});
  StageCall call = Call("j", 7);
  call.table = TableBytes::FromTable("rows");
  call.timeout = absl::Seconds(9);
  Dispatch(std::move(call));
  const UnaryCall& sent = model_["a"].waiting.at(0)->call;
  EXPECT_EQ(sent.method, kProcess);
  EXPECT_EQ(*sent.table.TableString(), "rows");
  EXPECT_EQ(sent.timeout, absl::Seconds(9));
  UnaryReply reply = ReplyTo(Request("a").id());
  reply.table = TableBytes::FromTable("predictions");
  model_["a"].Answer(reply);
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(results_[0].status.ok());
  EXPECT_EQ(*results_[0].table.TableString(), "predictions");
  EXPECT_EQ(results_[0].header, reply.header);
  EXPECT_EQ(results_[0].replica, "a");
  EXPECT_EQ(results_[0].attempts, 1);
}

TEST_F(DispatcherTest, ARequestThatIsTooLargeIsNotSent) {
  Serve({"a", "b"});
  StageCall call = Call("j", 7);
  call.header = [](int, bool) { return MessageTooLarge("x", 101, 100); };
  Dispatch(std::move(call));
  timers_.RunDue();
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_EQ(ReasonOf(results_[0].status), "MESSAGE_TOO_LARGE");
  EXPECT_EQ(Where(), "");
}

TEST_F(DispatcherTest, SendsAgainElsewhereWhatFailedInTransport) {
  Serve({"a", "b"});
  Dispatch(Call("j", 0));
  const std::string first = Where();
  Fail(first, absl::DeadlineExceededError("late"));
  EXPECT_EQ(Where(), "");
  timers_.Advance(absl::Milliseconds(50));
  EXPECT_EQ(Where(), first == "a" ? "b" : "a");
  EXPECT_EQ(Request(Where()).id().attempt(), 2);
  EXPECT_THAT(results_, IsEmpty());
}

TEST_F(DispatcherTest, GivesUpAfterFourFailuresInTransport) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  for (int i = 0; i < 3; ++i) {
    Fail("a", absl::DeadlineExceededError("late"));
    timers_.Advance(absl::Seconds(5));
    ASSERT_EQ(Waiting("a"), 1u);
  }
  Fail("a", absl::DeadlineExceededError("late"));
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(results_[0].status));
  EXPECT_EQ(results_[0].attempts, 4);
}

TEST_F(DispatcherTest, WaitsWhileNoReplicaServesAndBurnsNoAttempt) {
  Serve({"a"});
  model_["a"].health = absl::UnavailableError("refused");
  timers_.Advance(absl::Seconds(1));
  Dispatch(Call("j", 0));
  timers_.Advance(absl::Hours(1));
  EXPECT_THAT(dispatcher_->StalledStages("j"), ElementsAre("model"));
  EXPECT_THAT(dispatcher_->StalledStages("other"), IsEmpty());
  model_["a"].health = absl::OkStatus();
  timers_.Advance(absl::Seconds(1));
  EXPECT_THAT(dispatcher_->StalledStages(), IsEmpty());
  EXPECT_EQ(Request("a").id().attempt(), 1);
}

TEST_F(DispatcherTest, AFullMailboxCostsNoAttempt) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  for (int i = 0; i < 20; ++i) {
    Fail("a", MailboxFull(64, 1));
    EXPECT_EQ(Waiting("a"), 0u);  // It asked to be left alone for a while.
    timers_.Advance(absl::Milliseconds(50));
    ASSERT_EQ(Waiting("a"), 1u);
  }
  Answer("a");
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(results_[0].status.ok());
}

TEST_F(DispatcherTest, LeavesADrainingReplicaAtOnceAndAtNoCost) {
  Serve({"a", "b"});
  Dispatch(Call("j", 0));
  const std::string first = Where();
  for (const std::string& address : {std::string("a"), std::string("b")})
    model_[address].health = absl::UnavailableError("not serving");
  Fail(first, Draining("model"));
  const std::string second = Where();
  EXPECT_EQ(second, first == "a" ? "b" : "a");
  Fail(second, Draining("model"));
  EXPECT_THAT(results_, IsEmpty());
  EXPECT_THAT(dispatcher_->StalledStages(), ElementsAre("model"));
}

TEST_F(DispatcherTest, AHandlersFailureIsTriedOnOneOtherReplicaOnce) {
  Serve({"a", "b", "c"});
  Dispatch(Call("j", 0));
  const std::string first = Where();
  Fail(first, HandlerFailed("model", "bug"));
  const std::string second = Where();
  EXPECT_NE(second, first);
  Fail(second, HandlerFailed("model", "bug"));
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_EQ(ReasonOf(results_[0].status), "HANDLER_FAILED");
  EXPECT_EQ(results_[0].attempts, 2);
}

TEST_F(DispatcherTest, AHandlersFailureIsFinalOnTheOnlyReplica) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  Fail("a", HandlerFailed("model", "bug"));
  EXPECT_THAT(results_, SizeIs(1));
}

TEST_F(DispatcherTest, ErrorsOfSpecAndSizeAreFinal) {
  Serve({"a", "b"});
  for (const absl::Status& status :
       {absl::ResourceExhaustedError("message too large"), BadTable("x"),
        FileNotFound("x"), OutsideRoots("x")}) {
    results_.clear();
    Dispatch(Call("j", 0));
    Fail(Where(), status);
    ASSERT_THAT(results_, SizeIs(1));
    EXPECT_EQ(results_[0].status, status);
  }
}

TEST_F(DispatcherTest, DropsAReplyThatIsNotToTheOpenAttempt) {
  Serve({"a", "b"});
  Dispatch(Call("j", 0));
  Fail(Where(), absl::DeadlineExceededError("late"));
  timers_.Advance(absl::Milliseconds(50));
  const std::string second = Where();
  pb::BatchId stale = Request(second).id();
  stale.set_attempt(1);
  model_[second].Answer(ReplyTo(stale));
  for (const StageResult& result : results_) EXPECT_FALSE(result.status.ok());
}

TEST_F(DispatcherTest, DropsARepliesOfAnOlderEpoch) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  pb::BatchId stale = Request("a").id();
  stale.set_epoch(2);
  model_["a"].Answer(ReplyTo(stale));
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_EQ(ReasonOf(results_[0].status), "WRONG_REPLY");
}

TEST_F(DispatcherTest, PutsAMissingArtifactAndSendsAgainAtNoCost) {
  Serve({"a"});
  const std::string sha256 = *artifacts_->Put("trees");
  StageCall call = Call("j", 0);
  call.artifacts = {sha256};
  Dispatch(std::move(call));
  Fail("a", ArtifactMissing(sha256));
  timers_.RunDue();
  EXPECT_THAT(model_["a"].puts, ElementsAre(testing::Pair(sha256, "trees")));
  Answer("a");
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(results_[0].status.ok());
}

TEST_F(DispatcherTest, OnePutServesAllThatWaitForIt) {
  Serve({"a"});
  const std::string sha256 = *artifacts_->Put("trees");
  for (int i = 0; i < 3; ++i) {
    StageCall call = Call("j", i);
    call.artifacts = {sha256};
    Dispatch(std::move(call));
  }
  model_["a"].hold_puts = true;
  Fail("a", ArtifactMissing(sha256));
  Fail("a", ArtifactMissing(sha256));
  timers_.RunDue();
  EXPECT_EQ(Waiting("a"), 0u);  // The third waits for the artifact too.
  model_["a"].AnswerPuts();
  EXPECT_THAT(model_["a"].puts, SizeIs(1));
  EXPECT_EQ(Waiting("a"), 2u);
}

TEST_F(DispatcherTest, AnArtifactForTwoReplicasIsInMemoryOnce) {
  Serve({"a", "b"});
  const std::string sha256 = *artifacts_->Put("trees");
  for (int i = 0; i < 2; ++i) {
    StageCall call = Call("j", i);
    call.artifacts = {sha256};
    Dispatch(std::move(call));
  }
  for (const char* replica : {"a", "b"}) {
    model_[replica].hold_puts = true;
    Fail(replica, ArtifactMissing(sha256));
  }
  timers_.RunDue();
  ASSERT_THAT(model_["a"].put_contents, SizeIs(1));
  EXPECT_EQ(model_["a"].put_contents, model_["b"].put_contents);
  model_["a"].AnswerPuts();
  model_["b"].AnswerPuts();
}

TEST_F(DispatcherTest, AnArtifactThatCannotBePutIsTheAnswer) {
  Serve({"a"});
  const std::string sha256 = *artifacts_->Put("trees");
  StageCall call = Call("j", 0);
  call.artifacts = {sha256};
  Dispatch(std::move(call));
  model_["a"].put_status = ArtifactCorrupt("no trees");
  Fail("a", ArtifactMissing(sha256));
  timers_.RunDue();
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_EQ(ReasonOf(results_[0].status), "ARTIFACT_CORRUPT");
}

TEST_F(DispatcherTest, PutsNoArtifactThatTheCallDoesNotName) {
  Serve({"a"});
  const std::string sha256 = *artifacts_->Put("trees");
  Dispatch(Call("j", 0));
  Fail("a", ArtifactMissing(sha256));
  timers_.RunDue();
  EXPECT_THAT(model_["a"].puts, IsEmpty());
  EXPECT_THAT(results_, SizeIs(1));
}

TEST_F(DispatcherTest, AnArtifactThatNeverStaysEndsInAnError) {
  Serve({"a"});
  const std::string sha256 = *artifacts_->Put("trees");
  StageCall call = Call("j", 0);
  call.artifacts = {sha256};
  Dispatch(std::move(call));
  for (int i = 0; i < 100 && results_.empty(); ++i) {
    Fail("a", ArtifactMissing(sha256));
    timers_.RunDue();
  }
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_EQ(ReasonOf(results_[0].status), "ARTIFACT_MISSING");
}

TEST_F(DispatcherTest, JobsTakeTurnsAndWithinAJobTheOldestGoesFirst) {
  Serve({"a"}, {.max_credit = 1});
  for (int i = 0; i < 3; ++i) Dispatch(Call("long", i));
  for (int i = 0; i < 2; ++i) Dispatch(Call("short", i));
  std::vector<std::string> order;
  while (Waiting("a") > 0) {
    const pb::BatchId id = Request("a").id();
    order.push_back(id.job() + std::to_string(id.number()));
    Answer("a");
  }
  EXPECT_THAT(order,
              ElementsAre("long0", "short0", "long1", "short1", "long2"));
}

TEST_F(DispatcherTest, ARepeatedCallGoesBeforeYoungerOnes) {
  Serve({"a"}, {.max_credit = 1});
  Dispatch(Call("j", 0));
  Dispatch(Call("j", 1));
  Dispatch(Call("j", 2));
  Fail("a", absl::DeadlineExceededError("late"));  // Sends 1.
  timers_.Advance(absl::Seconds(1));
  Answer("a");
  EXPECT_EQ(Request("a").id().number(), 0);
}

TEST_F(DispatcherTest, SendsNoMoreThanTheCredit) {
  Serve({"a", "b"});
  for (int i = 0; i < 100; ++i) Dispatch(Call("j", i));
  EXPECT_EQ(Waiting("a") + Waiting("b"), 4u);
  EXPECT_EQ(dispatcher_->LoadOf("j").in_flight["model"], 4);
  EXPECT_EQ(dispatcher_->LoadOf("j").waiting["model"], 96);
}

TEST_F(DispatcherTest, AnOnlineCallWaitsForNoBatchCalls) {
  Serve({"a"}, {.max_credit = 1});
  for (int i = 0; i < 3; ++i) Dispatch(Call("job", i));
  StageCall online = Call("online", 0);
  online.lane = "online";
  Dispatch(std::move(online));
  ASSERT_EQ(Waiting("a"), 2u);
  EXPECT_EQ(model_["a"].waiting[1]->call.lane, "online");
  Answer("a");  // Of the job: its place goes to the job.
  ASSERT_EQ(Waiting("a"), 2u);
  EXPECT_EQ(model_["a"].waiting[1]->call.lane, "batch");
}

TEST_F(DispatcherTest, CancellingAJobAnswersAllItsCallsAndNoOthers) {
  Serve({"a"}, {.max_credit = 1});
  Dispatch(Call("doomed", 0));
  Dispatch(Call("doomed", 1));
  Dispatch(Call("other", 0));
  dispatcher_->CancelJob("doomed");
  EXPECT_THAT(results_, IsEmpty());  // Not within CancelJob.
  timers_.RunDue();
  ASSERT_THAT(results_, SizeIs(2));
  EXPECT_EQ(ReasonOf(results_[0].status), "JOB_CANCELLED");
  EXPECT_TRUE(model_["a"].waiting[0]->cancelled);
  Fail("a", absl::CancelledError("as asked"));
  EXPECT_THAT(results_, SizeIs(2));
  EXPECT_EQ(Request("a").id().job(), "other");
}

TEST_F(DispatcherTest, CancellingDuringABackoffAnswersOnce) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  Fail("a", absl::DeadlineExceededError("late"));
  dispatcher_->CancelJob("j");
  timers_.Advance(absl::Minutes(1));
  EXPECT_THAT(results_, SizeIs(1));
  EXPECT_EQ(Waiting("a"), 0u);
}

TEST_F(DispatcherTest, AnAnswerWithinCallStillComesAfterDispatch) {
  Serve({"a"});
  model_["a"].answer_at_once = [](const UnaryCall& call) {
    pb::ProcessRequest request;
    request.ParseFromString(call.header);
    return std::make_unique<UnaryReply>(ReplyTo(request.id()));
  };
  Dispatch(Call("j", 0));
  EXPECT_THAT(results_, IsEmpty());
  timers_.RunDue();
  EXPECT_THAT(results_, SizeIs(1));
}

TEST_F(DispatcherTest, AnUnknownStageIsAnErrorWithTheNearestName) {
  Serve({"a"});
  StageCall call = Call("j", 0);
  call.stage = "modle";
  Dispatch(std::move(call));
  timers_.RunDue();
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_EQ(ReasonOf(results_[0].status), "UNKNOWN_STAGE");
  EXPECT_THAT(std::string(results_[0].status.message()),
              testing::HasSubstr("\"model\""));
}

TEST_F(DispatcherTest, RetriesWaitForTheBudget) {
  MakeDispatcher({.retry_ratio = 0, .retries_per_minute = 1});
  Serve({"a"});
  Dispatch(Call("j", 0));
  Fail("a", absl::DeadlineExceededError("late"));
  timers_.Advance(absl::Seconds(1));
  EXPECT_EQ(Waiting("a"), 1u);
  Fail("a", absl::DeadlineExceededError("late"));
  timers_.Advance(absl::Seconds(30));
  EXPECT_EQ(Waiting("a"), 0u);
  timers_.Advance(absl::Seconds(30));
  EXPECT_EQ(Waiting("a"), 1u);
}

TEST_F(DispatcherTest, CountsRetriesUntilTheJobIsForgotten) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  Fail("a", absl::DeadlineExceededError("late"));
  timers_.Advance(absl::Seconds(1));
  EXPECT_EQ(dispatcher_->LoadOf("j").retries, 1);
  Answer("a");
  dispatcher_->ForgetJob("j");
  EXPECT_EQ(dispatcher_->LoadOf("j").retries, 0);
}

TEST_F(DispatcherTest, CountsRowsPerReplica) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  Answer("a");
  EXPECT_DOUBLE_EQ(dispatcher_->Replicas("model")->List()[0].rows_per_second,
                   10 / 5.0);
}

TEST_F(DispatcherTest, ItsEndAnswersWhatIsOpen) {
  Serve({"a"}, {.max_credit = 1});
  Dispatch(Call("j", 0));
  Dispatch(Call("j", 1));
  dispatcher_.reset();
  EXPECT_THAT(results_, SizeIs(2));
  Fail("a", absl::UnavailableError("late"));  // Must find nobody.
  EXPECT_THAT(results_, SizeIs(2));
}

TEST_F(DispatcherTest, ReadsTheFieldsThatBatchMethodsHaveInCommon) {
  const auto expect_layout = [](const google::protobuf::Descriptor* type) {
    EXPECT_EQ(type->FindFieldByName("id")->number(), 1) << type->name();
    EXPECT_EQ(type->FindFieldByName("rows")->number(), 2) << type->name();
    EXPECT_EQ(type->FindFieldByName("credit")->number(), 4) << type->name();
  };
  expect_layout(pb::ProcessResponse::descriptor());
  expect_layout(pb::ObserveResponse::descriptor());
  expect_layout(pb::LoadResponse::descriptor());
  EXPECT_EQ(pb::MergeResponse::descriptor()->FindFieldByName("id")->number(),
            1);
}

TEST_F(DispatcherTest, AFitWritesTablesToOneReplica) {
  Serve({"a"});
  FitCall call;
  call.stage = "model";
  call.job = "j";
  auto session = dispatcher_->StartFit(call);
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE((*session)->Write(TableBytes::FromTable("rows")).ok());
  EXPECT_TRUE((*session)->Finish().ok());
  EXPECT_EQ((*session)->replica(), "a");
  EXPECT_THAT(model_["a"].fit->tables, ElementsAre("rows"));
}

TEST_F(DispatcherTest, AFitNeedsAReplicaThatServes) {
  model_.first_health["a"] = absl::UnavailableError("refused");
  Serve({"a"});
  FitCall call;
  call.stage = "model";
  const auto session = dispatcher_->StartFit(call);
  EXPECT_EQ(ReasonOf(session.status()), "NO_REPLICA");
  EXPECT_NE(RetryOfFit(session.status()), FitRetry::kNever);
}

TEST_F(DispatcherTest, CancellingAJobEndsItsFits) {
  Serve({"a"});
  FitCall call;
  call.stage = "model";
  call.job = "j";
  const auto session = dispatcher_->StartFit(call);
  dispatcher_->CancelJob("j");
  const absl::Status status = (*session)->Write(TableBytes::FromTable("rows"));
  EXPECT_EQ(ReasonOf(status), "JOB_CANCELLED");
  EXPECT_EQ(RetryOfFit(status), FitRetry::kNever);
}

TEST(FitRetry, IsFreeWhereNothingIsToBlameOnTheFit) {
  using Retry = FitRetry;
  for (const absl::Status& orderly :
       {Draining("model"), NotReady("model"), MailboxFull(64, 0),
        absl::CancelledError("the server ends")})
    EXPECT_EQ(RetryOfFit(orderly), Retry::kFree) << orderly;
  EXPECT_EQ(RetryOfFit(absl::UnavailableError("broken pipe")), Retry::kCharged);
  EXPECT_EQ(RetryOfFit(TrainingTooLarge(2, 1)), Retry::kNever);
}

// --- Topology ----------------------------------------------------------------

UnaryReply StatsReply(const std::string& service) {
  pb::ActorStats stats;
  stats.set_service(service);
  UnaryReply reply;
  reply.header = stats.SerializeAsString();
  return reply;
}

TEST_F(DispatcherTest, TopologyTellsReplicasAndTheStatisticsOfThoseThatAnswer) {
  model_.first_health["b"] = absl::UnavailableError("refused");
  Serve({"a", "b"});
  model_["a"].answer_at_once = [](const UnaryCall&) {
    return std::make_unique<UnaryReply>(StatsReply("model"));
  };
  model_["b"].answer_at_once = [](const UnaryCall&) {
    return std::make_unique<UnaryReply>(
        UnaryReply{absl::UnavailableError("refused"), "", {}});
  };
  const pb::Topology topology = DescribeTopology(*dispatcher_);
  ASSERT_EQ(topology.stages_size(), 1);
  ASSERT_EQ(topology.stages(0).replicas_size(), 2);
  EXPECT_EQ(topology.stages(0).replicas(0).stats().service(), "model");
  EXPECT_TRUE(topology.stages(0).replicas(0).serving());
  EXPECT_FALSE(topology.stages(0).replicas(1).has_stats());
  EXPECT_EQ(topology.stages(0).replicas(1).message(), "refused");
}

TEST_F(DispatcherTest, StopReachesEveryReplicaInPipelineOrder) {
  FakeReplicas loader;
  loader.addresses = std::vector<std::string>{"l"};
  dispatcher_->AddStage(loader.MakeSet("loader", &clock_, &timers_));
  Serve({"a"});
  model_.addresses = std::vector<std::string>{"a", "b"};
  std::vector<std::string> stopped;
  const auto note = [&](FakeStageClient& client) {
    client.answer_at_once = [&](const UnaryCall& call) {
      if (call.method == "/troupe.v1.Actor/Stop")
        stopped.push_back(client.address());
      return std::make_unique<UnaryReply>();
    };
  };
  note(loader["l"]);
  note(model_["a"]);
  dispatcher_->Replicas("model")->ResolveSoon([] {});
  timers_.RunDue();  // b is connected here.
  note(model_["b"]);
  // The look-ups of the stop itself never end here.
  EXPECT_EQ(StopStages(*dispatcher_, pb::DRAIN, absl::Milliseconds(40)), 3);
  EXPECT_THAT(stopped, ElementsAre("l", "a", "b"));
}

}  // namespace
}  // namespace troupe
