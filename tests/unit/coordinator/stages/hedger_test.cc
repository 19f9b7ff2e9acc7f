#include "client/coordinator/stages/hedger.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

constexpr char kMethod[] = "/troupe.v1.Stage/Process";

TEST(Hedger, NothingIsLateWhileLittleIsKnown) {
  Hedger hedger({});
  for (int i = 0; i < 9; ++i) hedger.Answered(kMethod, absl::Seconds(1));
  EXPECT_EQ(hedger.LateAge(kMethod), absl::InfiniteDuration());
}

TEST(Hedger, LateIsThreeTimesWhatNearlyAllTook) {
  Hedger hedger({});
  for (int i = 1; i <= 100; ++i)
    hedger.Answered(kMethod, i <= 96 ? absl::Seconds(2) : absl::Hours(1));
  EXPECT_EQ(hedger.LateAge(kMethod), absl::Seconds(6));
}

TEST(Hedger, LateIsNeverBelowASecond) {
  Hedger hedger({});
  for (int i = 0; i < 20; ++i) hedger.Answered(kMethod, absl::Milliseconds(1));
  EXPECT_EQ(hedger.LateAge(kMethod), absl::Seconds(1));
}

TEST(Hedger, OnlyRecentAnswersOfTheSameMethodCount) {
  Hedger hedger({});
  for (int i = 0; i < 200; ++i) hedger.Answered(kMethod, absl::Hours(1));
  for (int i = 0; i < 200; ++i) hedger.Answered(kMethod, absl::Seconds(1));
  for (int i = 0; i < 200; ++i)
    hedger.Answered("/troupe.v1.Stage/Observe", absl::Hours(1));
  EXPECT_EQ(hedger.LateAge(kMethod), absl::Seconds(3));
}

TEST(Hedger, HedgesAreOneInTwentyCallsBesideTheAllowance) {
  Hedger hedger({.allowance = 10});
  int hedges = 0;
  for (int call = 0; call < 1000; ++call) {
    hedger.AddCall();
    for (; hedger.HasToken(); ++hedges) hedger.TakeToken();
  }
  EXPECT_LE(hedges, 1000 / 20 + 10);
  EXPECT_GE(hedges, 1000 / 20);
}

TEST(Hedger, AQuietTimeSavesUpNoMoreThanTheAllowance) {
  Hedger hedger({.allowance = 10});
  for (int call = 0; call < 100'000; ++call) hedger.AddCall();
  int hedges = 0;
  for (; hedger.HasToken(); ++hedges) hedger.TakeToken();
  EXPECT_EQ(hedges, 10);
}

}  // namespace
}  // namespace troupe
