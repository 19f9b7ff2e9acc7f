#include "client/coordinator/passes/progress_meter.h"

#include "gtest/gtest.h"

namespace troupe {
namespace {

pb::Progress At(const ProgressMeter& meter, double seconds) {
  pb::Progress progress;
  meter.Fill(absl::Seconds(seconds), &progress);
  return progress;
}

TEST(ProgressMeter, TellsTheTimeLeftFromThePaceOfTheBytes) {
  ProgressMeter meter;
  meter.Begin("score", absl::ZeroDuration());
  meter.SetTotal(1000);
  meter.Add(10, 1, 250, absl::Seconds(5));
  const pb::Progress progress = At(meter, 5);
  EXPECT_EQ(progress.rows_ok(), 9);
  EXPECT_DOUBLE_EQ(progress.rows_per_second(), 2);
  EXPECT_DOUBLE_EQ(progress.eta_seconds(), 15);
}

TEST(ProgressMeter, TellsTheTimeLeftFromThePaceOfTheRounds) {
  ProgressMeter meter;
  meter.Begin("fit model", absl::ZeroDuration());
  meter.SetTotal(1000);
  meter.Add(10, 0, 1000, absl::Seconds(5));  // All rows are there.
  meter.SetRounds(0, 100, absl::Seconds(5));
  EXPECT_DOUBLE_EQ(At(meter, 6).eta_seconds(), -1);
  meter.SetRounds(1, 100, absl::Seconds(20));  // Its matrix took so long.
  EXPECT_DOUBLE_EQ(At(meter, 21).eta_seconds(), -1);
  meter.SetRounds(11, 100, absl::Seconds(25));
  EXPECT_EQ(At(meter, 25).rounds(), 11);
  EXPECT_EQ(At(meter, 25).rows_per_second(), 0);
  EXPECT_DOUBLE_EQ(At(meter, 25).eta_seconds(), 44.5);
  EXPECT_DOUBLE_EQ(At(meter, 27).eta_seconds(), 42.5);
}

TEST(ProgressMeter, ForgetsThePaceOfOldRounds) {
  ProgressMeter meter;
  meter.Begin("fit model", absl::ZeroDuration());
  meter.SetRounds(1, 100, absl::Seconds(1));
  meter.SetRounds(2, 100, absl::Seconds(60));
  EXPECT_DOUBLE_EQ(At(meter, 60).eta_seconds(), 98 * 59);
  meter.SetRounds(12, 100, absl::Seconds(70));
  meter.SetRounds(22, 100, absl::Seconds(80));
  EXPECT_DOUBLE_EQ(At(meter, 80).eta_seconds(), 78);
}

TEST(ProgressMeter, ForgetsWhatIsLongAgo) {
  ProgressMeter meter;
  meter.Begin("score", absl::Seconds(0));
  meter.Add(1000, 0, 0, absl::Seconds(1));
  for (int second = 2; second <= 40; ++second)
    meter.Add(1, 0, 0, absl::Seconds(second));
  pb::Progress progress;
  meter.Fill(absl::Seconds(40), &progress);
  EXPECT_NEAR(progress.rows_per_second(), 1, 0.1);
}

TEST(ProgressMeter, BeginsEachPhaseAnew) {
  ProgressMeter meter;
  meter.Begin("fit model", absl::ZeroDuration());
  meter.SetRounds(1, 100, absl::Seconds(1));
  meter.Begin("evaluate", absl::Seconds(2));
  EXPECT_EQ(At(meter, 3).rounds_at_most(), 0);
  EXPECT_EQ(At(meter, 3).phase(), "evaluate");
}

}  // namespace
}  // namespace troupe
