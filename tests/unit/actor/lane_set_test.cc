// The behaviours that mature actor systems test, by the numbers of the list
// that ours was made from, stepped by hand on a clock that stands still:
//
//   1  accepted before Stop is handled       ActorStop.HandlesWhatWasAccepted
//   2  behind Stop: an error, no hang        ActorStop.RejectsWhatComesAfter
//   3  second Stop; Stop from a handler      ActorStop.IsIdempotent, .ByHandler
//   4  Stop tells whether it was alive       ActorStop.IsIdempotent
//   5  messages to a stopped actor fail      ActorStop.RejectsWhenStopped
//   6  timeouts, exactly once                Deadline.*, WorkLimit.*
//   7  an exception is the answer, and the   Handler.ExceptionIsTheAnswer,
//      actor lives (also without a caller)   .ErrorIsTheAnswer
//   8  start hook first; its failure; a      Start.*, ActorStop.SurvivesOnStop
//      throwing stop hook
//   9  second reply; dropped promise         Envelope.* (envelope_test.cc)
//   10 unknown message: an error             Handler.ErrorIsTheAnswer
//   11 a closed mailbox rejects              Mailbox.* (mailbox_test.cc)
//   12 FIFO within a class                   Mailbox.HandsOutInOrder
//   13 exit while a message is handled       ActorStop.NowGivesUpTheRunning
//   14 stopped with requests outstanding     ActorStop.NowBouncesTheQueue
//   15 a late reply is dropped               WorkLimit.LateReplyIsIgnored
//   16 capacity N, N+1 rejected              Mailbox.RejectsAtCapacity...
//   20 shutdown once, in order, with a       ActorStop.DrainEndsAtItsDeadline,
//      deadline; while starting              Start.StopCameFirst
//
// Not for us: the urgent class of 12 and the dropping mailbox of 16 (Stop and
// stats are answered beside the mailbox, and nothing accepted is dropped); 17
// to 19 and 21 (pools, resending, restarts and death watches belong to the
// coordinator and the container engine, and are tested there).
#include "services/actor/lane_set.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "tests/testing/answers.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/function_actor.h"
#include "tests/testing/manual_executor.h"

namespace troupe {
namespace {

// One lane "batch" of three messages. Nothing moves unless the test moves it.
class LaneSetTest : public testing::Test {
 protected:
  LaneSetTest() {
    actor_.on_receive = [this](Message& message, const Context& context) {
      handled_.push_back(message.method);
      return during_ ? during_(context) : absl::StatusOr<Reply>(Reply{});
    };
  }

  void Submit(
      const std::string& name, CallInfo info = {},
      std::shared_ptr<CancelToken> token = std::make_shared<CancelToken>()) {
    lanes_.Submit("batch", answers_.Send(name, 0, std::move(info), token));
  }
  void StepAll() {
    while (lanes_.Step("batch")) {
    }
  }
  LaneSnapshot Batch() { return lanes_.Snapshot()[0]; }
  LaneCounters Counters() { return Batch().counters; }

  FakeClock clock_;
  ManualExecutor executor_;
  FunctionActor actor_;
  Answers answers_;
  std::vector<std::string> handled_;
  std::function<absl::StatusOr<Reply>(const Context&)> during_;
  LaneSet lanes_{{"model", {{"batch", 3, 1000}}, absl::Seconds(60)},
                 &actor_,
                 &clock_,
                 &executor_};
};

using Start = LaneSetTest;
using Handler = LaneSetTest;
using Deadline = LaneSetTest;
using WorkLimit = LaneSetTest;
using ActorStop = LaneSetTest;
using Conservation = LaneSetTest;

TEST_F(Start, RunsBeforeTheFirstMessage) {
  actor_.on_start = [this] {
    Submit("early");
    return absl::OkStatus();
  };
  ASSERT_TRUE(lanes_.Start().ok());
  EXPECT_EQ(answers_.Of("early"), "NOT_READY");
  EXPECT_EQ(lanes_.state(), ActorState::kReady);
}

TEST_F(Start, FailureLeavesItStopped) {
  actor_.on_start = [] { return absl::NotFoundError("no scratch volume"); };
  bool stopped = false;
  actor_.on_stop = [&] { stopped = true; };
  EXPECT_EQ(lanes_.Start().message(), "no scratch volume");
  Submit("a");
  EXPECT_EQ(answers_.Of("a"), "DRAINING");
  EXPECT_TRUE(lanes_.AwaitStopped(absl::ZeroDuration()));
  EXPECT_FALSE(stopped);
}

TEST_F(Start, ExceptionIsAFailure) {
  actor_.on_start = []() -> absl::Status { throw std::runtime_error("boom"); };
  const absl::Status started = lanes_.Start();
  EXPECT_EQ(ReasonOf(started), "HANDLER_FAILED");
  EXPECT_EQ(started.message(), "model failed: boom");
}

TEST_F(Start, StopCameFirst) {
  int stops = 0;
  actor_.on_stop = [&] { ++stops; };
  actor_.on_start = [this] {
    EXPECT_TRUE(lanes_.Stop(StopMode::kDrain, absl::Seconds(7)));
    return absl::OkStatus();
  };
  EXPECT_EQ(ReasonOf(lanes_.Start()), "DRAINING");
  EXPECT_TRUE(lanes_.AwaitStopped(absl::ZeroDuration()));
  EXPECT_EQ(stops, 1);
}

TEST_F(Handler, AnswersAndCounts) {
  ASSERT_TRUE(lanes_.Start().ok());
  Submit("a");
  EXPECT_EQ(answers_.Of("a"), "");
  EXPECT_TRUE(lanes_.Step("batch"));
  EXPECT_EQ(answers_.Of("a"), "OK");
  EXPECT_EQ(Counters().succeeded, 1);
  EXPECT_FALSE(lanes_.Step("batch"));
}

TEST_F(Handler, ErrorIsTheAnswer) {
  ASSERT_TRUE(lanes_.Start().ok());
  during_ = [](const Context&) { return UnknownMethod("Fly"); };
  Submit("a");
  Submit("b");
  StepAll();
  EXPECT_EQ(answers_.Of("a"), "UNKNOWN_METHOD");
  EXPECT_EQ(handled_, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(Counters().failed, 2);
}

TEST_F(Handler, ExceptionIsTheAnswer) {
  ASSERT_TRUE(lanes_.Start().ok());
  during_ = [](const Context&) -> absl::StatusOr<Reply> {
    throw std::runtime_error("boom");
  };
  Submit("a");
  StepAll();
  during_ = nullptr;
  Submit("b");
  StepAll();
  EXPECT_EQ(answers_.StatusOf("a").message(), "model failed: boom");
  EXPECT_EQ(answers_.StatusOf("a").code(), absl::StatusCode::kInternal);
  EXPECT_EQ(answers_.Of("b"), "OK");
}

TEST_F(Handler, OddExceptionIsTheAnswerToo) {
  ASSERT_TRUE(lanes_.Start().ok());
  during_ = [](const Context&) -> absl::StatusOr<Reply> { throw 7; };
  Submit("a");
  StepAll();
  EXPECT_EQ(answers_.Of("a"), "HANDLER_FAILED");
}

TEST_F(Handler, SeesTheCreditLeft) {
  ASSERT_TRUE(lanes_.Start().ok());
  int64_t credit = -1;
  during_ = [&](const Context& context) {
    credit = context.credit();
    return Reply{};
  };
  Submit("a");
  Submit("b");
  lanes_.Step("batch");
  EXPECT_EQ(credit, 2);
}

TEST_F(Handler, IsVisibleWhileItRuns) {
  ASSERT_TRUE(lanes_.Start().ok());
  LaneSnapshot during;
  during_ = [&](const Context&) {
    clock_.Advance(absl::Seconds(3));
    during = Batch();
    return Reply{};
  };
  Submit("Process");
  StepAll();
  EXPECT_EQ(during.running_method, "Process");
  EXPECT_EQ(during.running_time, absl::Seconds(3));
  EXPECT_EQ(Batch().running_method, "");
}

TEST_F(Handler, UnknownLaneIsRefused) {
  ASSERT_TRUE(lanes_.Start().ok());
  lanes_.Submit("express", answers_.Send("a"));
  EXPECT_EQ(answers_.Of("a"), "BAD_MESSAGE");
}

TEST_F(Deadline, ExpiredInQueueIsAnsweredNotExecuted) {
  ASSERT_TRUE(lanes_.Start().ok());
  CallInfo info;
  info.deadline = clock_.Monotonic() + absl::Seconds(1);
  Submit("a", info);
  clock_.Advance(absl::Seconds(1));
  StepAll();
  EXPECT_EQ(answers_.Of("a"), "EXPIRED_IN_QUEUE");
  EXPECT_TRUE(handled_.empty());
  EXPECT_EQ(Counters().expired, 1);
}

TEST_F(Deadline, CancelledInQueueIsAnsweredNotExecuted) {
  ASSERT_TRUE(lanes_.Start().ok());
  const auto token = std::make_shared<CancelToken>();
  Submit("a", {}, token);
  token->Cancel();
  StepAll();
  EXPECT_EQ(answers_.Of("a"), "CALLER_LEFT");
  EXPECT_TRUE(handled_.empty());
  EXPECT_EQ(Counters().cancelled, 1);
}

TEST_F(Deadline, PassingWhileItRunsCancelsTheHandler) {
  ASSERT_TRUE(lanes_.Start().ok());
  CallInfo info;
  info.deadline = clock_.Monotonic() + absl::Seconds(1);
  bool cancelled = false;
  during_ = [&](const Context& context) {
    clock_.Advance(absl::Seconds(2));
    lanes_.Tick();
    cancelled = context.cancelled();
    return Reply{};
  };
  Submit("a", info);
  StepAll();
  EXPECT_TRUE(cancelled);
}

TEST_F(WorkLimit, CountsFromTheQueueNotFromTheCall) {
  ASSERT_TRUE(lanes_.Start().ok());
  CallInfo info;
  info.work_limit = absl::Seconds(1);
  Submit("a", info);
  clock_.Advance(absl::Hours(1));
  during_ = [&](const Context&) {
    lanes_.Tick();
    return Reply{};
  };
  StepAll();
  EXPECT_EQ(answers_.Of("a"), "OK");
}

TEST_F(WorkLimit, LateReplyIsIgnored) {
  ASSERT_TRUE(lanes_.Start().ok());
  CallInfo info;
  info.work_limit = absl::Seconds(1);
  std::string answered;
  bool cancelled = false;
  during_ = [&](const Context& context) {
    clock_.Advance(absl::Seconds(2));
    lanes_.Tick();
    lanes_.Tick();
    answered = answers_.Of("a");
    cancelled = context.cancelled();
    return Reply{};
  };
  Submit("a", info);
  StepAll();
  EXPECT_EQ(answered, "WORK_LIMIT_EXCEEDED");
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(answers_.CountOf("a"), 1);
  EXPECT_EQ(Counters().failed, 1);
  EXPECT_EQ(Counters().succeeded, 0);
}

// What the host hears of handlers that go on beyond their work limit.
class StuckHandler : public LaneSetTest {
 protected:
  StuckHandler() {
    LaneSetOptions options{"model", {{"batch", 3, 1000}}, absl::Seconds(60)};
    options.overdue.exit_after = absl::Seconds(10);
    options.overdue.on_change = [this](bool overdue) {
      told_.push_back(overdue);
    };
    options.overdue.exit = [this] { ++exits_; };
    set_.emplace(options, &actor_, &clock_, &executor_);
    info_.work_limit = absl::Seconds(2);
  }
  void TickAfter(absl::Duration time) {
    clock_.Advance(time);
    set_->Tick();
  }
  void Run() {
    ASSERT_TRUE(set_->Start().ok());
    set_->Submit("batch", answers_.Send("a", 0, info_));
    set_->Step("batch");
  }

  CallInfo info_;
  std::vector<bool> told_;
  int exits_ = 0;
  std::optional<LaneSet> set_;
};

TEST_F(StuckHandler, IsOverdueFromItsAnswerUntilItReturns) {
  during_ = [this](const Context&) {
    TickAfter(absl::Seconds(2));
    EXPECT_EQ(answers_.Of("a"), "");
    EXPECT_TRUE(told_.empty());
    TickAfter(absl::Milliseconds(1));
    EXPECT_EQ(answers_.Of("a"), "WORK_LIMIT_EXCEEDED");
    EXPECT_EQ(told_, std::vector<bool>{true});
    TickAfter(absl::Seconds(9));
    EXPECT_EQ(told_.size(), 1u);
    return Reply{};
  };
  Run();
  set_->Tick();
  EXPECT_EQ(told_, (std::vector<bool>{true, false}));
  EXPECT_EQ(exits_, 0);
}

TEST_F(StuckHandler, EndsTheProcessWhenItDoesNotEndItself) {
  during_ = [this](const Context&) {
    TickAfter(absl::Seconds(12));
    EXPECT_EQ(exits_, 0);
    TickAfter(absl::Milliseconds(1));
    EXPECT_EQ(exits_, 1);
    return Reply{};
  };
  Run();
}

// How often what was logged says that a message runs long.
int Reports() {
  FlushLog();
  const std::string log = testing::internal::GetCapturedStderr();
  int reports = 0;
  for (size_t at = log.find("message runs long"); at != log.npos;
       at = log.find("message runs long", at + 1))
    ++reports;
  return reports;
}

TEST_F(Handler, IsReportedOnceWhenItRunsLong) {
  ASSERT_TRUE(lanes_.Start().ok());
  during_ = [this](const Context&) {
    const auto reports_after = [this](absl::Duration time) {
      testing::internal::CaptureStderr();
      clock_.Advance(time);
      lanes_.Tick();
      return Reports();
    };
    EXPECT_EQ(reports_after(absl::Seconds(60)), 0);
    EXPECT_EQ(reports_after(absl::Milliseconds(1)), 1);
    EXPECT_EQ(reports_after(absl::Hours(1)), 0);
    return Reply{};
  };
  Submit("a");
  StepAll();
  Submit("b");  // And once for the next.
  StepAll();
}

TEST_F(StuckHandler, IsNoneThatTookOverItsLimit) {
  during_ = [this](const Context& context) {
    context.TakeOverWorkLimit();
    TickAfter(absl::Hours(1));
    EXPECT_EQ(answers_.Of("a"), "");
    return Reply{};
  };
  Run();
  EXPECT_EQ(answers_.Of("a"), "OK");
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(exits_, 0);
}

TEST_F(ActorStop, HandlesWhatWasAccepted) {
  ASSERT_TRUE(lanes_.Start().ok());
  Submit("a");
  Submit("b");
  EXPECT_TRUE(lanes_.Stop(StopMode::kDrain, absl::Seconds(7)));
  StepAll();
  EXPECT_EQ(answers_.Of("a"), "OK");
  EXPECT_EQ(answers_.Of("b"), "OK");
  EXPECT_TRUE(lanes_.AwaitStopped(absl::ZeroDuration()));
}

TEST_F(ActorStop, RejectsWhatComesAfter) {
  ASSERT_TRUE(lanes_.Start().ok());
  lanes_.Stop(StopMode::kDrain, absl::Seconds(7));
  Submit("late");
  EXPECT_EQ(answers_.Of("late"), "DRAINING");
  EXPECT_EQ(Counters().rejected.at("DRAINING"), 1);
  EXPECT_EQ(Counters().accepted, 0);
}

TEST_F(ActorStop, WhileFullHandlesAll) {
  ASSERT_TRUE(lanes_.Start().ok());
  for (const char* name : {"a", "b", "c", "d"}) Submit(name);
  EXPECT_EQ(answers_.Of("d"), "MAILBOX_FULL");
  EXPECT_TRUE(lanes_.Stop(StopMode::kDrain, absl::Seconds(7)));
  StepAll();
  EXPECT_EQ(Counters().succeeded, 3);
  EXPECT_EQ(Counters().rejected.at("MAILBOX_FULL"), 1);
}

TEST_F(ActorStop, IsIdempotent) {
  int stops = 0;
  actor_.on_stop = [&] { ++stops; };
  ASSERT_TRUE(lanes_.Start().ok());
  EXPECT_TRUE(lanes_.Stop(StopMode::kDrain, absl::Seconds(7)));
  EXPECT_FALSE(lanes_.Stop(StopMode::kDrain, absl::Seconds(7)));
  StepAll();
  EXPECT_TRUE(lanes_.AwaitStopped(absl::ZeroDuration()));
  EXPECT_TRUE(lanes_.AwaitStopped(absl::ZeroDuration()));
  EXPECT_FALSE(lanes_.Stop(StopMode::kNow, absl::ZeroDuration()));
  EXPECT_EQ(stops, 1);
}

TEST_F(ActorStop, ByHandlerDoesNotDeadlock) {
  ASSERT_TRUE(lanes_.Start().ok());
  during_ = [&](const Context&) {
    lanes_.Stop(StopMode::kDrain, absl::Seconds(7));
    lanes_.Stop(StopMode::kDrain, absl::Seconds(7));
    return Reply{};
  };
  Submit("a");
  Submit("b");
  StepAll();
  EXPECT_EQ(answers_.Of("a"), "OK");
  EXPECT_EQ(answers_.Of("b"), "OK");
}

TEST_F(ActorStop, RejectsWhenStopped) {
  ASSERT_TRUE(lanes_.Start().ok());
  lanes_.Stop(StopMode::kDrain, absl::Seconds(7));
  StepAll();
  ASSERT_TRUE(lanes_.AwaitStopped(absl::ZeroDuration()));
  Submit("late");
  EXPECT_EQ(answers_.Of("late"), "DRAINING");
  EXPECT_EQ(lanes_.state(), ActorState::kStopped);
}

TEST_F(ActorStop, IsNotOverWhileMessagesWait) {
  ASSERT_TRUE(lanes_.Start().ok());
  Submit("a");
  lanes_.Stop(StopMode::kDrain, absl::Seconds(7));
  EXPECT_FALSE(lanes_.AwaitStopped(absl::ZeroDuration()));
  EXPECT_EQ(lanes_.state(), ActorState::kDraining);
}

TEST_F(ActorStop, NowBouncesTheQueue) {
  ASSERT_TRUE(lanes_.Start().ok());
  Submit("a");
  Submit("b");
  lanes_.Stop(StopMode::kNow, absl::ZeroDuration());
  EXPECT_EQ(answers_.Of("a"), "DRAINING");
  EXPECT_EQ(answers_.Of("b"), "DRAINING");
  EXPECT_EQ(Counters().bounced, 2);
  StepAll();
  EXPECT_TRUE(handled_.empty());
}

TEST_F(ActorStop, NowGivesUpTheRunning) {
  ASSERT_TRUE(lanes_.Start().ok());
  std::string answered;
  bool cancelled = false;
  during_ = [&](const Context& context) {
    lanes_.Stop(StopMode::kNow, absl::ZeroDuration());
    answered = answers_.Of("a");
    cancelled = context.cancelled();
    return Reply{};
  };
  Submit("a");
  StepAll();
  EXPECT_EQ(answered, "DRAINING");
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(Counters().bounced, 1);
}

TEST_F(ActorStop, NowHastensADrain) {
  ASSERT_TRUE(lanes_.Start().ok());
  Submit("a");
  lanes_.Stop(StopMode::kDrain, absl::Seconds(7));
  EXPECT_EQ(answers_.Of("a"), "");
  EXPECT_FALSE(lanes_.Stop(StopMode::kNow, absl::ZeroDuration()));
  EXPECT_EQ(answers_.Of("a"), "DRAINING");
}

TEST_F(ActorStop, DrainEndsAtItsDeadline) {
  ASSERT_TRUE(lanes_.Start().ok());
  Submit("a");
  lanes_.Stop(StopMode::kDrain, absl::Seconds(7));
  clock_.Advance(absl::Seconds(6));
  lanes_.Tick();
  EXPECT_EQ(answers_.Of("a"), "");
  clock_.Advance(absl::Seconds(1));
  lanes_.Tick();
  EXPECT_EQ(answers_.Of("a"), "DRAINING");
  EXPECT_EQ(Counters().bounced, 1);
}

TEST_F(ActorStop, OfTwoDrainDeadlinesTheEarlierCounts) {
  for (const auto& [first, second] : {std::pair(7, 3600), std::pair(3600, 7)}) {
    LaneSet lanes({"model", {{"batch", 3, 1000}}, absl::Seconds(60)}, &actor_,
                  &clock_, &executor_);
    ASSERT_TRUE(lanes.Start().ok());
    const std::string name = absl::StrCat("first ", first);
    lanes.Submit("batch", answers_.Send(name));
    EXPECT_TRUE(lanes.Stop(StopMode::kDrain, absl::Seconds(first)));
    EXPECT_FALSE(lanes.Stop(StopMode::kDrain, absl::Seconds(second)));
    clock_.Advance(absl::Seconds(6));
    lanes.Tick();
    EXPECT_EQ(answers_.Of(name), "");
    clock_.Advance(absl::Seconds(1));
    lanes.Tick();
    EXPECT_EQ(answers_.Of(name), "DRAINING");
  }
}

TEST_F(ActorStop, DrainDeadlineGivesUpTheRunning) {
  ASSERT_TRUE(lanes_.Start().ok());
  during_ = [&](const Context& context) {
    lanes_.Stop(StopMode::kDrain, absl::Seconds(7));
    clock_.Advance(absl::Seconds(8));
    lanes_.Tick();
    EXPECT_TRUE(context.cancelled());
    return Reply{};
  };
  Submit("a");
  StepAll();
  EXPECT_EQ(answers_.Of("a"), "DRAINING");
  EXPECT_EQ(answers_.CountOf("a"), 1);
}

TEST_F(ActorStop, SurvivesOnStopThatThrows) {
  actor_.on_stop = [] { throw std::runtime_error("boom"); };
  ASSERT_TRUE(lanes_.Start().ok());
  lanes_.Stop(StopMode::kDrain, absl::Seconds(7));
  StepAll();
  EXPECT_TRUE(lanes_.AwaitStopped(absl::ZeroDuration()));
  EXPECT_EQ(lanes_.state(), ActorState::kStopped);
}

TEST_F(Conservation, GaugesAreZeroWhenIdle) {
  ASSERT_TRUE(lanes_.Start().ok());
  for (const char* name : {"a", "b", "c", "d"}) Submit(name);
  StepAll();
  EXPECT_EQ(Batch().depth, 0);
  EXPECT_EQ(Batch().depth_bytes, 0);
  EXPECT_EQ(Counters().in_flight, 0);
  EXPECT_EQ(Batch().running_time, absl::ZeroDuration());
  EXPECT_EQ(Batch().oldest_age, absl::ZeroDuration());
}

TEST_F(Conservation, CountsTimeAndRows) {
  ASSERT_TRUE(lanes_.Start().ok());
  during_ = [&](const Context&) {
    clock_.Advance(absl::Seconds(2));
    return Reply{nullptr, 10};
  };
  Submit("a");
  Submit("b");
  StepAll();
  EXPECT_EQ(Counters().worked, absl::Seconds(4));
  EXPECT_EQ(Counters().waited, absl::Seconds(2));
  EXPECT_EQ(Counters().rows, 20);
}

}  // namespace
}  // namespace troupe
