#include "services/actor/envelope.h"

#include <memory>

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "tests/testing/answers.h"

namespace troupe {
namespace {

TEST(Envelope, AnswersOnce) {
  Answers answers;
  const auto envelope = answers.Send("a");
  EXPECT_TRUE(envelope->Answer(Outcome::kSucceeded, Reply{}));
  EXPECT_FALSE(envelope->Answer(Outcome::kFailed, ExpiredInQueue()));
  EXPECT_EQ(answers.CountOf("a"), 1);
  EXPECT_EQ(answers.Of("a"), "OK");
}

TEST(Envelope, AnswersWhenItIsDropped) {
  Answers answers;
  answers.Send("a").reset();
  EXPECT_EQ(answers.Of("a"), "HANDLER_FAILED");
  EXPECT_EQ(answers.CountOf("a"), 1);
}

TEST(Envelope, SettlesItsAccountOnce) {
  Answers answers;
  const auto stats = std::make_shared<Stats>();
  const auto envelope = answers.Send("a");
  envelope->Accept(stats, absl::Seconds(1));
  EXPECT_EQ(stats->Read().in_flight, 1);
  envelope->Answer(Outcome::kFailed, ExpiredInQueue());
  envelope->Answer(Outcome::kSucceeded, Reply{});
  EXPECT_EQ(stats->Read().in_flight, 0);
  EXPECT_EQ(stats->Read().failed, 1);
  EXPECT_EQ(stats->Read().succeeded, 0);
}

TEST(Envelope, IsCountedWhenItsCallerHasTheAnswer) {
  const auto stats = std::make_shared<Stats>();
  int64_t seen = -1;
  Envelope envelope(
      Message{}, CallInfo{}, std::make_shared<CancelToken>(),
      [&](const absl::StatusOr<Reply>&) { seen = stats->Read().succeeded; });
  envelope.Accept(stats, absl::Seconds(1));
  envelope.Answer(Outcome::kSucceeded, Reply{});
  EXPECT_EQ(seen, 1);
}

TEST(Envelope, SettlesWhenItIsDropped) {
  Answers answers;
  const auto stats = std::make_shared<Stats>();
  answers.Send("a")->Accept(stats, absl::Seconds(1));
  EXPECT_EQ(stats->Read().in_flight, 0);
  EXPECT_EQ(stats->Read().failed, 1);
}

TEST(Envelope, CountsNothingWhenNeverAccepted) {
  Answers answers;
  const auto stats = std::make_shared<Stats>();
  answers.Send("a")->Answer(Outcome::kFailed, Draining("model"));
  EXPECT_EQ(stats->Read().accepted, 0);
  EXPECT_EQ(stats->Read().failed, 0);
}

TEST(Envelope, TellsTheTimeItWaited) {
  Answers answers;
  const auto stats = std::make_shared<Stats>();
  const auto envelope = answers.Send("a");
  envelope->Accept(stats, absl::Seconds(1));
  envelope->Leave(absl::Seconds(4));
  envelope->Answer(Outcome::kSucceeded, Reply{}, absl::Seconds(2));
  EXPECT_EQ(stats->Read().waited, absl::Seconds(3));
  EXPECT_EQ(stats->Read().worked, absl::Seconds(2));
}

}  // namespace
}  // namespace troupe
