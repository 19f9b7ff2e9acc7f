#include "services/actor/mailbox.h"

#include <atomic>
#include <limits>
#include <memory>
#include <thread>

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "services/base/latch.h"
#include "tests/testing/answers.h"
#include "tests/testing/fake_clock.h"

namespace troupe {
namespace {

class MailboxTest : public testing::Test {
 protected:
  Answers answers_;
  FakeClock clock_;
  std::shared_ptr<Stats> stats_ = std::make_shared<Stats>();
  Mailbox mailbox_{{"model", 3, 100}, &clock_, stats_};
};

TEST_F(MailboxTest, RejectsBeforeItIsOpen) {
  EXPECT_EQ(ReasonOf(mailbox_.Push(answers_.Send("a"))), "NOT_READY");
}

TEST_F(MailboxTest, OfferQueuesWhileNobodyWaits) {
  mailbox_.Open();
  const absl::StatusOr<Handover> handover = mailbox_.Offer(answers_.Send("a"));
  ASSERT_TRUE(handover.ok());
  EXPECT_EQ(*handover, Handover::kQueued);
  EXPECT_EQ(mailbox_.Pop()->message().method, "a");
}

TEST_F(MailboxTest, OfferRejectsAsPushDoes) {
  EXPECT_EQ(ReasonOf(mailbox_.Offer(answers_.Send("a")).status()), "NOT_READY");
  mailbox_.Open();
  for (const char* name : {"a", "b", "c"})
    ASSERT_TRUE(mailbox_.Offer(answers_.Send(name)).ok());
  EXPECT_EQ(ReasonOf(mailbox_.Offer(answers_.Send("d")).status()),
            "MAILBOX_FULL");
}

// While a message is lent, the sleeping thread gets nothing, not even the end.
TEST_F(MailboxTest, LendsToTheCallerWhileTheLaneSleeps) {
  mailbox_.Open();
  std::atomic<bool> returned{false};
  std::atomic<int> popped_early{0};
  std::thread lane([&] {
    while (mailbox_.Pop() != nullptr)
      if (!returned) ++popped_early;
  });
  const auto lent = [&] {
    const auto handover = mailbox_.Offer(answers_.Send("lent"));
    return handover.ok() && *handover == Handover::kYours;
  };
  while (!lent()) std::this_thread::yield();
  popped_early = 0;
  EXPECT_EQ(*mailbox_.Offer(answers_.Send("second")), Handover::kQueued);
  ASSERT_TRUE(mailbox_.Push(answers_.Send("third")).ok());
  mailbox_.Drain();
  EXPECT_FALSE(mailbox_.finished());
  EXPECT_EQ(mailbox_.depth(), 2);
  EXPECT_EQ(popped_early, 0);
  returned = true;
  mailbox_.Return();
  lane.join();
  EXPECT_TRUE(mailbox_.finished());
}

// A lane whose thread takes one message, after the mailbox was lent.
class LendingTest : public MailboxTest {
 protected:
  LendingTest() {
    mailbox_.Open();
    lane_ = std::thread([this] {
      while (const auto envelope = mailbox_.Pop()) {
        if (envelope->message().method == "lent") continue;  // Came too early.
        popped_ = envelope->message().method;
        break;
      }
      over_.CountDown();
    });
    while (!Lend()) std::this_thread::yield();
  }
  ~LendingTest() override {
    mailbox_.Close();
    lane_.join();
  }

  bool Lend() {
    const auto handover = mailbox_.Offer(answers_.Send("lent"));
    return handover.ok() && *handover == Handover::kYours;
  }

  Latch over_;
  std::string popped_;  // Written before `over_`, read after.
  std::thread lane_;
};

TEST_F(LendingTest, PopHandsOutNothingUntilReturn) {
  ASSERT_TRUE(mailbox_.Push(answers_.Send("second")).ok());
  mailbox_.Drain();  // Wakes the lane.
  EXPECT_FALSE(over_.Wait(absl::Milliseconds(100)));
  mailbox_.Return();
  ASSERT_TRUE(over_.Wait(absl::Seconds(30)));
  EXPECT_EQ(popped_, "second");
}

TEST_F(LendingTest, ReturnWakesTheLaneForWhatCameMeanwhile) {
  ASSERT_TRUE(mailbox_.Push(answers_.Send("second")).ok());
  mailbox_.Return();
  EXPECT_TRUE(over_.Wait(absl::Seconds(30)));
}

TEST_F(LendingTest, ReturnWakesTheLaneForItsEnd) {
  mailbox_.Drain();
  EXPECT_FALSE(over_.Wait(absl::Milliseconds(20)));
  mailbox_.Return();
  EXPECT_TRUE(over_.Wait(absl::Seconds(30)));
}

TEST_F(MailboxTest, RejectsAtCapacityAndAcceptsAgainAfterPop) {
  mailbox_.Open();
  for (const char* name : {"a", "b", "c"})
    ASSERT_TRUE(mailbox_.Push(answers_.Send(name)).ok());
  EXPECT_EQ(ReasonOf(mailbox_.Push(answers_.Send("d"))), "MAILBOX_FULL");
  EXPECT_EQ(mailbox_.depth(), 3);
  EXPECT_EQ(mailbox_.Pop()->message().method, "a");
  EXPECT_TRUE(mailbox_.Push(answers_.Send("e")).ok());
}

TEST_F(MailboxTest, MailboxFullTellsWhenToTryAgain) {
  mailbox_.Open();
  for (const char* name : {"a", "b", "c"})
    ASSERT_TRUE(mailbox_.Push(answers_.Send(name)).ok());
  const absl::Status full = mailbox_.Push(answers_.Send("d"));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(RetryDelayOf(full).has_value());
}

TEST_F(MailboxTest, BoundsBytes) {
  mailbox_.Open();
  ASSERT_TRUE(mailbox_.Push(answers_.Send("a", 60)).ok());
  EXPECT_EQ(ReasonOf(mailbox_.Push(answers_.Send("b", 41))), "MAILBOX_FULL");
  EXPECT_TRUE(mailbox_.Push(answers_.Send("c", 40)).ok());
  EXPECT_EQ(mailbox_.depth_bytes(), 100);
}

TEST_F(MailboxTest, AcceptsAnySizeWhenEmpty) {
  mailbox_.Open();
  EXPECT_TRUE(mailbox_.Push(answers_.Send("huge", 1'000'000)).ok());
  EXPECT_EQ(ReasonOf(mailbox_.Push(answers_.Send("small", 1))), "MAILBOX_FULL");
}

TEST_F(MailboxTest, CountsNoBytesTwiceWhateverTheSize) {
  mailbox_.Open();
  const int64_t most = std::numeric_limits<int64_t>::max();
  ASSERT_TRUE(mailbox_.Push(answers_.Send("huge", most)).ok());
  EXPECT_EQ(ReasonOf(mailbox_.Push(answers_.Send("b", most))), "MAILBOX_FULL");
  mailbox_.Pop();
  EXPECT_EQ(mailbox_.depth_bytes(), 0);
}

TEST_F(MailboxTest, HandsOutInOrder) {
  mailbox_.Open();
  for (const char* name : {"a", "b", "c"})
    ASSERT_TRUE(mailbox_.Push(answers_.Send(name)).ok());
  std::string order;
  while (const auto next = mailbox_.TryPop()) order += next->message().method;
  EXPECT_EQ(order, "abc");
}

TEST_F(MailboxTest, DrainRejectsAndHandsOutTheRest) {
  mailbox_.Open();
  ASSERT_TRUE(mailbox_.Push(answers_.Send("a")).ok());
  mailbox_.Drain();
  EXPECT_EQ(ReasonOf(mailbox_.Push(answers_.Send("b"))), "DRAINING");
  EXPECT_NE(mailbox_.Pop(), nullptr);
  EXPECT_EQ(mailbox_.Pop(), nullptr);
  EXPECT_TRUE(mailbox_.finished());
}

TEST_F(MailboxTest, CloseReturnsTheRestOnce) {
  mailbox_.Open();
  ASSERT_TRUE(mailbox_.Push(answers_.Send("a")).ok());
  EXPECT_EQ(mailbox_.Close().size(), 1u);
  EXPECT_EQ(mailbox_.Close().size(), 0u);
  EXPECT_EQ(mailbox_.Pop(), nullptr);
  EXPECT_EQ(ReasonOf(mailbox_.Push(answers_.Send("b"))), "DRAINING");
}

TEST_F(MailboxTest, NeverGoesBack) {
  mailbox_.Close();
  mailbox_.Drain();
  mailbox_.Open();
  EXPECT_EQ(mailbox_.state(), ActorState::kStopped);
}

TEST_F(MailboxTest, CreditIsWhatItWouldTake) {
  EXPECT_EQ(mailbox_.credit(), 0);
  mailbox_.Open();
  EXPECT_EQ(mailbox_.credit(), 3);
  ASSERT_TRUE(mailbox_.Push(answers_.Send("a")).ok());
  EXPECT_EQ(mailbox_.credit(), 2);
  ASSERT_TRUE(mailbox_.Push(answers_.Send("b", 100)).ok());
  EXPECT_EQ(mailbox_.credit(), 0);
}

TEST_F(MailboxTest, TellsTheAgeOfTheOldest) {
  mailbox_.Open();
  EXPECT_EQ(mailbox_.oldest_age(), absl::ZeroDuration());
  ASSERT_TRUE(mailbox_.Push(answers_.Send("a")).ok());
  clock_.Advance(absl::Seconds(5));
  ASSERT_TRUE(mailbox_.Push(answers_.Send("b")).ok());
  EXPECT_EQ(mailbox_.oldest_age(), absl::Seconds(5));
}

}  // namespace
}  // namespace troupe
