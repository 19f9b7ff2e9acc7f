// Which calls the dispatcher suspects and isolates, what an attempt costs, and
// when it hedges.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "tests/unit/coordinator/stages/dispatcher_fixture.h"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const absl::Status kDeath = absl::UnavailableError("Socket closed");
const absl::Status kSilence =
    absl::UnavailableError("keepalive watchdog timeout");
const absl::Status kLeave = absl::UnavailableError("GOAWAY received");
const absl::Status kNotMade =
    absl::UnavailableError("failed to connect to all addresses");

class SuspectsTest : public DispatcherTest {
 protected:
  JobLoad Load() { return dispatcher_->LoadOf("j"); }
  UnaryCall& Sent(const std::string& address) {
    return model_[address].waiting.at(0)->call;
  }
  // An answer that rejects a row for `reason`.
  void AnswerRejecting(const std::string& address, const std::string& reason) {
    pb::ProcessResponse response;
    *response.mutable_id() = Request(address).id();
    response.mutable_rejected()->add_causes()->set_reason(reason);
    UnaryReply reply;
    reply.header = response.SerializeAsString();
    model_[address].Answer(reply);
  }
};

// --- Suspicion ---------------------------------------------------------------

TEST_F(SuspectsTest, TheOneAtWorkInADeathIsIsolatedAndThoseThatWaitedAreNot) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  Dispatch(Call("j", 1));
  Fail("a", kDeath);
  Fail("a", kDeath);
  timers_.Advance(absl::Seconds(2));
  ASSERT_EQ(Waiting("a"), 2u);
  const auto isolated = [&](size_t i) {
    pb::ProcessRequest request;
    request.ParseFromString(model_["a"].waiting.at(i)->call.header);
    return std::pair(request.id().number(), request.isolate());
  };
  EXPECT_EQ(isolated(0), std::pair(int64_t{0}, true));
  EXPECT_EQ(isolated(1), std::pair(int64_t{1}, false));
  EXPECT_EQ(Load().suspects, 1);
  EXPECT_EQ(Load().retries, 1);  // The one that waited costs nothing.
}

TEST_F(SuspectsTest, AnIsolatedCallHasTimeForTwentyWorkLimits) {
  for (const auto& [limit, timeout] :
       {std::pair(absl::Minutes(2), absl::Minutes(40)),
        std::pair(absl::Seconds(2), absl::Minutes(10)),
        std::pair(absl::ZeroDuration(), absl::Minutes(10))}) {
    MakeDispatcher({});
    Serve({"a"});
    StageCall call = Call("j", 0);
    call.timeout = absl::Minutes(5);
    call.work_limit = limit;
    Dispatch(std::move(call));
    EXPECT_EQ(Sent("a").timeout, absl::Minutes(5));
    Fail("a", kDeath);
    timers_.Advance(absl::Seconds(2));
    EXPECT_EQ(Sent("a").timeout, timeout);
    EXPECT_EQ(Sent("a").work_limit, limit);
  }
}

TEST_F(SuspectsTest, WhatWaitedBehindAStuckHandlerIsNotIsolated) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  Dispatch(Call("j", 1));
  Fail("a", WorkLimitExceeded(absl::Minutes(2)));
  Fail("a", kDeath);  // It exits since the handler does not end.
  timers_.Advance(absl::Seconds(5));
  ASSERT_EQ(Waiting("a"), 2u);
  EXPECT_EQ(Load().suspects, 1);
}

TEST_F(SuspectsTest, WhatRanBeyondItsWorkLimitIsIsolated) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  Fail("a", WorkLimitExceeded(absl::Minutes(2)));
  timers_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Request("a").isolate());
  EXPECT_EQ(Load().suspects, 1);
}

TEST_F(SuspectsTest, SilenceTimeoutsAndLeavesMakeNoSuspects) {
  for (const absl::Status& status :
       {kSilence, kLeave, kNotMade, absl::DeadlineExceededError("late"),
        ExpiredInQueue(), absl::CancelledError("shut down")}) {
    MakeDispatcher({});
    Serve({"a"});
    Dispatch(Call("j", 0));
    Fail("a", status);
    timers_.Advance(absl::Seconds(5));
    EXPECT_FALSE(Request("a").isolate()) << status;
    EXPECT_EQ(Load().suspects, 0) << status;
  }
}

TEST_F(SuspectsTest, AnIsolatedCallThatDiesAgainOnAQuietCompanyEnds) {
  Serve({"a", "b"});
  Dispatch(Call("j", 0));
  for (int i = 0; i < 8; ++i) {
    ASSERT_NE(Where(), "");
    Fail(Where(), kDeath);
    timers_.Advance(absl::Minutes(1));
  }
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(absl::IsUnavailable(results_[0].status));
}

TEST_F(SuspectsTest, AStormOfKillsDelaysACallAndNeverFailsIt) {
  Serve({"a", "b"});
  Dispatch(Call("j", 0));
  for (int i = 0; i < 40; ++i) {
    const std::string at = Where();
    ASSERT_NE(at, "");
    // Every third time the other one dies, too, which has nothing to do.
    const std::string other = at == "a" ? "b" : "a";
    model_[other].stays_connected = i % 3 != 0;
    timers_.Advance(absl::Seconds(1));
    model_[other].stays_connected = true;
    Fail(at, kDeath);
    timers_.Advance(absl::Minutes(1));
  }
  EXPECT_THAT(results_, IsEmpty());
  EXPECT_EQ(Load().suspects, 1);
  Answer(Where());
  EXPECT_EQ(Load().suspects, 0);
}

TEST_F(SuspectsTest, WhoKillsWhereACallWaitsToComeAgainShowsHimself) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(Waiting("a"), 1u);
    Fail("a", kDeath);
    // Serves again, and is killed in the pause, now and then.
    timers_.Advance(absl::Seconds(1));
    model_["a"].stays_connected = i % 4 != 3;
    timers_.Advance(absl::Seconds(1));
    model_["a"].stays_connected = true;
    timers_.Advance(absl::Minutes(1));
  }
  EXPECT_THAT(results_, IsEmpty());
}

TEST_F(SuspectsTest, AFitThatOnlyWaitedInADeathIsNotToBlame) {
  Serve({"a"});
  FitCall call;
  call.stage = "model";
  call.job = "j";
  const auto first = dispatcher_->StartFit(call);
  call.job = "k";
  const auto second = dispatcher_->StartFit(call);
  model_["a"].fit->learned = kDeath;
  ASSERT_FALSE((*second)->Finish().ok());
  ASSERT_FALSE((*first)->Finish().ok());
  EXPECT_FALSE((*second)->died());
  EXPECT_TRUE((*first)->died());
  EXPECT_FALSE((*first)->unrest());
}

TEST_F(SuspectsTest, AFitsDeathIsUnrestWhereOthersDieToo) {
  Serve({"a", "b"});
  FitCall call;
  call.stage = "model";
  call.job = "j";
  auto fit = dispatcher_->StartFit(call);
  const std::string other = (*fit)->replica() == "a" ? "b" : "a";
  model_[other].stays_connected = false;
  timers_.Advance(absl::Seconds(1));
  model_[(*fit)->replica()].fit->learned = kDeath;
  ASSERT_FALSE((*fit)->Finish().ok());
  EXPECT_TRUE((*fit)->died());
  EXPECT_TRUE((*fit)->unrest());
}

TEST_F(SuspectsTest, OneThatOnlyWaitsSurvivesAnyNumberOfDeaths) {
  Serve({"a"}, {.max_credit = 2});
  Dispatch(Call("killer", 0));  // The jobs take turns: it goes first each time.
  Dispatch(Call("j", 0));
  for (int i = 1; i < 3; ++i) Dispatch(Call("killer", i));
  for (int death = 0; death < 8; ++death) {
    timers_.Advance(absl::Seconds(10));
    ASSERT_EQ(Waiting("a"), 2u);
    ASSERT_EQ(Request("a").id().job(), "killer");
    Fail("a", kDeath);
    Fail("a", kDeath);
  }
  timers_.Advance(absl::Seconds(10));
  EXPECT_EQ(Load().retries, 0);
  EXPECT_EQ(Load().suspects, 0);
  EXPECT_EQ(Load().in_flight["model"], 1);
}

TEST_F(SuspectsTest, AnAnswerWithoutCrashesAcquits) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  Fail("a", kDeath);
  timers_.Advance(absl::Seconds(2));
  EXPECT_EQ(Load().suspects, 1);
  Answer("a");
  EXPECT_EQ(Load().suspects, 0);
}

TEST_F(SuspectsTest, AnAnswerThatRejectsGuiltyRowsDoesNot) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  Fail("a", kDeath);
  timers_.Advance(absl::Seconds(2));
  AnswerRejecting("a", "STAGE_CRASH");
  EXPECT_EQ(Load().suspects, 1);
}

TEST_F(SuspectsTest, AJobWithTooManySuspectsFails) {
  MakeDispatcher({.retries_per_minute = 1000, .max_suspects = 3});
  Serve({"a"});
  for (int i = 0; i < 4; ++i) {
    Dispatch(Call("j", i));
    Fail("a", kDeath);
    timers_.Advance(absl::Seconds(2));
    if (Waiting("a") > 0) AnswerRejecting("a", "STAGE_CRASH");
  }
  ASSERT_THAT(results_, SizeIs(4));
  EXPECT_TRUE(results_[2].status.ok());
  EXPECT_EQ(ReasonOf(results_[3].status), "TOO_MANY_CRASHES");
}

// --- What costs an attempt ---------------------------------------------------

TEST_F(SuspectsTest, ARollingRestartCostsNoAttempt) {
  Serve({"a", "b"});
  Dispatch(Call("j", 0));
  for (int round = 0; round < 20; ++round) {
    const std::string at = Where();
    // Three ways in which the last call may meet a replica that stops.
    if (round % 3 == 0) {
      Fail(at, round % 2 == 0 ? kLeave : absl::CancelledError("CANCELLED"));
    } else if (round % 3 == 1) {
      model_[at].health = MakeError(absl::StatusCode::kUnavailable,
                                    "NOT_SERVING", "says NOT_SERVING");
      timers_.Advance(absl::Seconds(1));
      Fail(at, kDeath);
    } else {
      Dispatch(Call("other", round));
      Dispatch(Call("other", round));
      Fail(at, Draining("model"));
      dispatcher_->CancelJob("other");
    }
    model_[at].health = absl::OkStatus();
    timers_.Advance(absl::Seconds(2));
    for (const auto& [address, client] : model_.clients)
      client->AnswerCancelled();
  }
  EXPECT_EQ(Load().retries, 0);
  EXPECT_EQ(Load().suspects, 0);
  Answer(Where());
}

TEST_F(SuspectsTest, AReplicaThatServesAgainMayDieAgain) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  Fail("a", Draining("model"));
  timers_.Advance(absl::Seconds(2));
  Fail("a", kDeath);
  EXPECT_EQ(Load().suspects, 1);
}

TEST_F(SuspectsTest, WhereNobodyCanBeReachedNoAttemptIsBurnt) {
  Serve({"a", "b", "c", "d"});
  Dispatch(Call("j", 0));
  for (int round = 0; round < 10; ++round) {
    // One connection is known to be lost before the health of the others is.
    Fail(Where(), kSilence);
    for (const auto& [address, client] : model_.clients)
      client->health = kSilence;
    timers_.Advance(absl::Seconds(60));
    EXPECT_THAT(dispatcher_->StalledStages("j"), ElementsAre("model"));
    EXPECT_EQ(Where(), "");
    for (const auto& [address, client] : model_.clients)
      client->health = absl::OkStatus();
    timers_.Advance(absl::Seconds(1));
    ASSERT_NE(Where(), "");
  }
  EXPECT_EQ(Load().retries, 0);
}

TEST_F(SuspectsTest, SilenceIsChargedWhereAReplicaServes) {
  Serve({"a"});  // Large messages do not get through, health does.
  Dispatch(Call("j", 0));
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(Waiting("a"), 1u);
    Fail("a", kSilence);
    timers_.Advance(absl::Seconds(10));
  }
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(absl::IsUnavailable(results_[0].status));
}

TEST_F(SuspectsTest, SilenceIsNotChargedWhereTheReplicaWasAwayMeanwhile) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  model_["a"].health = kSilence;
  timers_.Advance(absl::Seconds(10));
  model_["a"].health = absl::OkStatus();
  timers_.Advance(absl::Seconds(10));
  Fail("a", kSilence);  // Told only after the network was back.
  timers_.Advance(absl::Seconds(10));
  EXPECT_EQ(Waiting("a"), 1u);
  EXPECT_EQ(Load().retries, 0);
}

TEST_F(SuspectsTest, AHandlerThatAlwaysCancelsIsChargedInTheEnd) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  int sendings = 0;
  for (; results_.empty() && sendings < 100; ++sendings) {
    Fail("a", absl::CancelledError("handler"));
    timers_.Advance(absl::Seconds(10));
  }
  EXPECT_EQ(sendings, 20);
}

TEST_F(SuspectsTest, AnErrorWithAReasonIsChargedWhereverItCameFrom) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(Waiting("a"), 1u);
    Fail("a", MakeError(absl::StatusCode::kUnavailable, "DISK_GONE", "x"));
    timers_.Advance(absl::Seconds(10));
  }
  EXPECT_THAT(results_, SizeIs(1));
}

TEST_F(SuspectsTest, AStageIsStalledThoughAllItsCallsAreOpen) {
  Serve({"a"});
  Dispatch(Call("j", 0));
  model_["a"].health = kSilence;
  timers_.Advance(absl::Seconds(1));
  EXPECT_EQ(Waiting("a"), 1u);
  EXPECT_THAT(dispatcher_->StalledStages("j"), ElementsAre("model"));
}

// --- Hedging -----------------------------------------------------------------

class HedgingTest : public SuspectsTest {
 protected:
  // Some replicas; twenty calls took half a second each; another is under way.
  HedgingTest() { Begin({"a", "b"}); }

  void Begin(std::vector<std::string> addresses,
             DispatcherOptions options = {}) {
    MakeDispatcher(options);
    Serve(std::move(addresses));
    for (int i = 0; i < 20; ++i) {
      Dispatch(Call("j", i));
      timers_.Advance(absl::Milliseconds(500));
      Answer(Where());
    }
    results_.clear();
    Dispatch(Call("j", 20));
    first_ = Where();
    second_ = first_ == "a" ? "b" : "a";
  }

  std::string first_;
  std::string second_;
};

TEST_F(HedgingTest, ALateCallIsSentToAnotherReplicaAsAnAttemptOfItsOwn) {
  timers_.Advance(absl::Milliseconds(1400));
  EXPECT_EQ(Where(), first_);
  timers_.Advance(absl::Milliseconds(600));
  EXPECT_EQ(Where(), "ab");
  EXPECT_EQ(Request(first_).id().attempt(), 1);
  EXPECT_EQ(Request(second_).id().attempt(), 2);
  EXPECT_EQ(Load().hedges, 1);
  timers_.Advance(absl::Minutes(1));  // Not once more.
  EXPECT_EQ(Load().hedges, 1);
}

TEST_F(HedgingTest, TheFirstAnswerCountsAndTheLoserIsCancelled) {
  timers_.Advance(absl::Seconds(2));
  Answer(second_);
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_EQ(results_[0].replica, second_);
  EXPECT_TRUE(model_[first_].waiting[0]->cancelled);
  Answer(first_);  // It was quicker than the cancelling.
  EXPECT_THAT(results_, SizeIs(1));
}

TEST_F(HedgingTest, TheOldOneMayStillAnswerFirst) {
  timers_.Advance(absl::Seconds(2));
  Answer(first_);
  ASSERT_THAT(results_, SizeIs(1));
  EXPECT_EQ(results_[0].replica, first_);
  EXPECT_TRUE(model_[second_].waiting[0]->cancelled);
}

TEST_F(HedgingTest, TheSlowerReplicaGetsNothingUntilItsHealthAnswers) {
  model_[first_].hold_health = true;
  timers_.Advance(absl::Seconds(2));
  Answer(second_);
  Fail(first_, absl::CancelledError("as asked"));
  for (int i = 0; i < 8; ++i) Dispatch(Call("j", 30 + i));
  EXPECT_EQ(Waiting(first_), 0u);
  EXPECT_GE(Waiting(second_), 2u);
  // The check that is on its way began before; the next one counts.
  model_[first_].hold_health = false;
  model_[first_].AnswerHealth();
  timers_.Advance(absl::Seconds(1));
  EXPECT_GE(Waiting(first_), 1u);
}

TEST_F(HedgingTest, AFailureOfOneLeavesTheCallToTheOther) {
  timers_.Advance(absl::Seconds(2));
  Fail(second_, Draining("model"));
  Fail(first_, kDeath);
  EXPECT_THAT(results_, IsEmpty());
  timers_.Advance(absl::Seconds(2));
  EXPECT_EQ(Request(Where()).id().attempt(), 3);
}

TEST_F(HedgingTest, NeedsCreditToSpareElsewhere) {
  for (int i = 0; Waiting(second_) == 0 || Load().waiting["model"] == 0; ++i)
    Dispatch(Call("j", 30 + i));
  const size_t open = Waiting(first_) + Waiting(second_);
  timers_.Advance(absl::Seconds(5));
  EXPECT_EQ(Load().hedges, 0);
  EXPECT_EQ(Waiting(first_) + Waiting(second_), open);
}

TEST_F(HedgingTest, IsBoundedToAShareOfTheCalls) {
  Begin({"a", "b"}, {.hedge = {.ratio = 0, .allowance = 1}});
  Dispatch(Call("j", 21));
  timers_.Advance(absl::Minutes(1));
  EXPECT_EQ(Load().hedges, 1);
}

TEST_F(HedgingTest, NeedsAnotherReplica) {
  model_[second_].health = kSilence;
  timers_.Advance(absl::Seconds(5));
  EXPECT_EQ(Load().hedges, 0);
  EXPECT_EQ(Waiting(first_), 1u);
}

TEST_F(HedgingTest, NeverOfIsolatedCalls) {
  Begin({"a", "b", "c"});
  Fail(first_, kDeath);
  timers_.Advance(absl::Seconds(2));
  ASSERT_TRUE(Request(Where()).isolate());
  timers_.Advance(absl::Minutes(5));
  EXPECT_EQ(Load().hedges, 0);
}

// Where a row hangs it does so on the second replica too; a third must not
// meet it.
TEST_F(HedgingTest, NotOnceMoreOfACallThatRanTooLong) {
  Begin({"a", "b", "c"});
  timers_.Advance(absl::Seconds(2));
  ASSERT_EQ(Load().hedges, 1);
  Fail(first_, WorkLimitExceeded(absl::Seconds(2)));
  timers_.Advance(absl::Minutes(1));
  EXPECT_EQ(Load().hedges, 1);
  Fail(Where(), WorkLimitExceeded(absl::Seconds(2)));
  timers_.Advance(absl::Seconds(2));
  EXPECT_TRUE(Request(Where()).isolate());
}

TEST_F(HedgingTest, NeverOfCallsThatAreNotOnABatch) {
  Answer(first_);
  for (int i = 0; i < 20; ++i) {
    StageCall call = Call("j", i);
    call.method = "/troupe.v1.Stage/Describe";
    Dispatch(std::move(call));
    if (i < 19) Answer(Where());
  }
  timers_.Advance(absl::Minutes(5));
  EXPECT_EQ(Load().hedges, 0);
}

TEST_F(HedgingTest, CancellingTheJobCancelsBoth) {
  timers_.Advance(absl::Seconds(2));
  dispatcher_->CancelJob("j");
  timers_.RunDue();
  EXPECT_THAT(results_, SizeIs(1));
  EXPECT_TRUE(model_[first_].waiting[0]->cancelled);
  EXPECT_TRUE(model_[second_].waiting[0]->cancelled);
}

}  // namespace
}  // namespace troupe
