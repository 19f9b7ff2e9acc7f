#include "client/coordinator/stages/retry_policy.h"

#include <gtest/gtest.h>

#include "services/base/errors.h"

namespace troupe {
namespace {

TEST(RetryPolicy, JudgesOurReasonsBeforeCodes) {
  EXPECT_EQ(Judge(absl::OkStatus()), Verdict::kAnswered);
  EXPECT_EQ(Judge(MailboxFull(64, 1)), Verdict::kFull);
  EXPECT_EQ(Judge(Draining("model")), Verdict::kLeaving);
  EXPECT_EQ(Judge(NotReady("model")), Verdict::kRefused);
  EXPECT_EQ(Judge(ArtifactMissing("00")), Verdict::kArtifactMissing);
  EXPECT_EQ(Judge(HandlerFailed("model", "x")), Verdict::kFaulty);
  EXPECT_EQ(Judge(ExpiredInQueue()), Verdict::kUnanswered);
}

TEST(RetryPolicy, TakesErrorsWithoutAReasonForTheTransports) {
  EXPECT_EQ(Judge(absl::UnavailableError("no route")), Verdict::kSilent);
  EXPECT_EQ(Judge(absl::DeadlineExceededError("late")), Verdict::kUnanswered);
  EXPECT_EQ(Judge(absl::CancelledError("shut down")), Verdict::kCutOff);
  EXPECT_EQ(Judge(absl::InternalError("RST_STREAM")), Verdict::kUnanswered);
}

TEST(RetryPolicy, TellsDeathFromLeaveAndSilence) {
  EXPECT_EQ(Judge(absl::UnavailableError("Socket closed")), Verdict::kDied);
  EXPECT_EQ(Judge(absl::UnavailableError("GOAWAY received")),
            Verdict::kLeaving);
  EXPECT_EQ(Judge(absl::UnavailableError("failed to connect to all addresses")),
            Verdict::kRefused);
  EXPECT_EQ(Judge(absl::UnavailableError("keepalive watchdog timeout")),
            Verdict::kSilent);
  EXPECT_EQ(Judge(WorkLimitExceeded(absl::Seconds(1))), Verdict::kTooLong);
}

TEST(RetryPolicy, TheEndOfAReplicaThatLeavesIsInOrder) {
  const absl::Status closed = absl::UnavailableError("Socket closed");
  EXPECT_EQ(JudgeFrom(true, closed), Verdict::kLeaving);
  EXPECT_EQ(JudgeFrom(false, closed), Verdict::kDied);
  EXPECT_EQ(JudgeFrom(true, absl::CancelledError("shut down")),
            Verdict::kLeaving);
  EXPECT_EQ(JudgeFrom(true, HandlerFailed("model", "x")), Verdict::kFaulty);
}

TEST(RetryPolicy, NeverRepeatsWhatFailsEverywhere) {
  EXPECT_EQ(Judge(absl::ResourceExhaustedError("message too large")),
            Verdict::kFinal);
  EXPECT_EQ(Judge(TrainingTooLarge(2, 1)), Verdict::kFinal);
  EXPECT_EQ(Judge(ArtifactTooLarge(1, "--a")), Verdict::kFinal);
  EXPECT_EQ(Judge(BadTable("x")), Verdict::kFinal);
  EXPECT_EQ(Judge(FileNotFound("x")), Verdict::kFinal);
  EXPECT_EQ(Judge(OutsideRoots("x")), Verdict::kFinal);
  EXPECT_EQ(Judge(InputChanged("x")), Verdict::kFinal);
}

TEST(RetryPolicy, BoundsThePauseThatAReplicaAsksFor) {
  EXPECT_EQ(EndOf(MailboxFull(1, 1)).pause, absl::Milliseconds(50));
  const absl::Status patient =
      WithRetryDelay(MailboxFull(1, 1), absl::Hours(1));
  EXPECT_EQ(EndOf(patient).pause, absl::Seconds(5));
  const absl::Status hasty =
      WithRetryDelay(MailboxFull(1, 1), absl::Seconds(-1));
  EXPECT_EQ(EndOf(hasty).pause, absl::Milliseconds(1));
}

TEST(RetryPolicy, BacksOffBetweenTheLeastAndTwiceAsMuchEachTime) {
  const absl::Duration least = absl::Milliseconds(50);
  const absl::Duration most = absl::Seconds(5);
  EXPECT_EQ(Backoff(1, least, most, 0.0), least);
  EXPECT_EQ(Backoff(1, least, most, 1.0), absl::Milliseconds(100));
  EXPECT_EQ(Backoff(3, least, most, 1.0), absl::Milliseconds(400));
  EXPECT_EQ(Backoff(1000, least, most, 1.0), most);
}

TEST(RetryBudget, MakesRetriesWaitOnceItIsUsedUp) {
  RetryBudget budget(0.1, 10);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(budget.Take(absl::Seconds(1)), absl::ZeroDuration());
  EXPECT_EQ(budget.Take(absl::Seconds(1)), absl::Seconds(6));
}

TEST(RetryBudget, IsFilledByTimeAndByCalls) {
  RetryBudget by_time(0.1, 10);
  for (int i = 0; i < 10; ++i) by_time.Take(absl::Seconds(1));
  EXPECT_EQ(by_time.Take(absl::Seconds(8)), absl::ZeroDuration());
  RetryBudget by_calls(0.1, 10);
  for (int i = 0; i < 10; ++i) by_calls.Take(absl::Seconds(1));
  for (int i = 0; i < 11; ++i) by_calls.AddCall();
  EXPECT_EQ(by_calls.Take(absl::Seconds(1)), absl::ZeroDuration());
}

}  // namespace
}  // namespace troupe
