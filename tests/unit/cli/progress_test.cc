#include "client/cli/progress.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/testing/fake_clock.h"

namespace troupe {
namespace {

pb::Job Running(const std::string& phase, int64_t rows, int64_t percent) {
  pb::Job job;
  job.set_kind(pb::SCORE);
  job.set_state(pb::RUNNING);
  job.mutable_progress()->set_phase(phase);
  job.mutable_progress()->set_rows_read(rows);
  job.mutable_progress()->set_bytes_done(percent);
  job.mutable_progress()->set_bytes_total(100);
  job.mutable_progress()->set_eta_seconds(-1);
  return job;
}

TEST(ProgressLine, ShowsPhaseShareRowsRateAndEta) {
  pb::Job job = Running("score", 420'000, 42);
  job.mutable_progress()->set_rows_per_second(120'000.4);
  job.mutable_progress()->set_eta_seconds(75);
  job.mutable_progress()->set_rows_rejected(3);
  EXPECT_EQ(ProgressLine(job, 10),
            "score  [####......]  42 %  420,000 rows  3 rejected  "
            "120,000 rows/s  ETA 1:15");
}

TEST(ProgressLine, ShowsBoostingRounds) {
  pb::Job job = Running("fit model", 420'000, 100);
  job.mutable_progress()->set_rounds(37);
  job.mutable_progress()->set_rounds_at_most(1000);
  EXPECT_EQ(ProgressLine(job, 0),
            "fit model  3 %  420,000 rows  round 37 of 1,000");
  job.mutable_progress()->set_bytes_total(0);
  job.mutable_progress()->set_eta_seconds(26);
  EXPECT_EQ(ProgressLine(job, 10),
            "fit model  [#.........]  3 %  420,000 rows  round 37 of 1,000"
            "  ETA 0:26");
}

TEST(ProgressLine, LeavesOutWhatIsUnknown) {
  pb::Job job;
  job.set_kind(pb::TRAIN);
  job.set_state(pb::QUEUED);
  EXPECT_EQ(ProgressLine(job, 10), "train  queued");
}

TEST(ProgressLine, DoesNotSayPlanTwice) {
  pb::Job job = Running("plan", 5, 1);
  job.set_state(pb::PLANNING);
  EXPECT_EQ(ProgressLine(job, 0), "plan  1 %  5 rows");
}

TEST(ProgressLine, SaysWhyAJobIsStalled) {
  pb::Job job = Running("score", 1, 1);
  job.set_state(pb::STALLED);
  job.set_state_message("no replica of \"model\"");
  EXPECT_EQ(ProgressLine(job, 10), "score  STALLED: no replica of \"model\"");
}

TEST(ProgressLine, SurvivesNumbersThatCannotBe) {
  pb::Job job = Running("score", 1, 500);
  job.mutable_progress()->set_rows_per_second(1e300);
  job.mutable_progress()->set_eta_seconds(1e300);
  EXPECT_EQ(
      ProgressLine(job, 4),
      "score  [####]  100 %  1 rows  1,000,000,000,000,000 rows/s  ETA ?");
}

TEST(ProgressView, WritesALineEveryTwoSecondsAndAtEveryPhase) {
  std::ostringstream out;
  FakeClock clock;
  ProgressView view(out, {}, clock);
  view.ShowJob(Running("plan", 1, 1));
  view.ShowJob(Running("plan", 2, 2));  // Too soon.
  clock.Advance(absl::Seconds(2));
  view.ShowJob(Running("plan", 3, 3));
  view.ShowJob(Running("score", 4, 4));  // Another phase.
  EXPECT_EQ(out.str(),
            "plan  1 %  1 rows\nplan  3 %  3 rows\nscore  4 %  4 rows\n");
}

TEST(ProgressView, SaysNothingTwice) {
  std::ostringstream out;
  FakeClock clock;
  ProgressView view(out, {}, clock);
  for (int i = 0; i < 5; ++i) {
    view.ShowJob(Running("plan", 1, 1));
    clock.Advance(absl::Seconds(10));
  }
  EXPECT_EQ(out.str(), "plan  1 %  1 rows\n");
}

TEST(ProgressView, DrawsOneLineAgainOnATerminal) {
  std::ostringstream out;
  FakeClock clock;
  {
    ProgressView view(out, {false, true, 40}, clock);
    view.ShowJob(Running("plan", 1, 1));
    view.ShowJob(Running("plan", 2, 2));  // Within 100 ms.
    clock.Advance(absl::Milliseconds(100));
    view.ShowJob(Running("plan", 3, 3));
  }
  EXPECT_EQ(out.str(), "\rplan  1 %  1 rows\x1b[K\rplan  3 %  3 rows\x1b[K\n");
}

TEST(ProgressView, LeavesTheLastWordOnTheTerminal) {
  std::ostringstream out;
  FakeClock clock;
  {
    ProgressView view(out, {false, true, 40}, clock);
    view.ShowJob(Running("plan", 1, 1));
    view.ShowJob(Running("plan", 9, 100));
  }
  EXPECT_EQ(out.str(),
            "\rplan  1 %  1 rows\x1b[K\rplan  100 %  9 rows\x1b[K\n");
}

TEST(ProgressView, NeverWrapsALine) {
  std::ostringstream out;
  FakeClock clock;
  ProgressView view(out, {false, true, 20}, clock);
  view.ShowJob(Running(std::string(100, 'x'), 1, 1));
  EXPECT_EQ(out.str(), "\r" + std::string(16, 'x') + "...\x1b[K");
}

TEST(ProgressView, IsSilentWhenQuiet) {
  std::ostringstream out;
  FakeClock clock;
  {
    ProgressView view(out, {true, true, 80}, clock);
    view.ShowJob(Running("plan", 1, 1));
    view.ShowTransfer("upload", 1, 2);
  }
  EXPECT_EQ(out.str(), "");
}

TEST(ProgressView, TellsOfAShortTransferOnce) {
  std::ostringstream out;
  FakeClock clock;
  ProgressView view(out, {}, clock);
  view.ShowTransfer("upload", 1536, 3072);
  view.ShowTransfer("upload", 3072, 3072);
  view.Finish();
  EXPECT_EQ(out.str(), "upload  100 %  3.0 KiB\n");
}

TEST(ProgressView, TellsOfALongTransferEveryTwoSeconds) {
  std::ostringstream out;
  FakeClock clock;
  ProgressView view(out, {}, clock);
  for (int64_t bytes = 0; bytes <= 4; ++bytes) {
    view.ShowTransfer("upload", bytes, 8);
    clock.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(out.str(),
            "upload  25 %  2 B of 8 B  ETA 0:06\n"
            "upload  50 %  4 B of 8 B  ETA 0:04\n");
}

TEST(ProgressView, FollowsATransferOnATerminal) {
  std::ostringstream out;
  FakeClock clock;
  ProgressView view(out, {false, true, 40}, clock);
  view.ShowTransfer("upload", 1536, 3072);
  EXPECT_EQ(out.str(), "\rupload  50 %  1.5 KiB of 3.0 KiB\x1b[K");
  std::ostringstream wide;
  ProgressView bar(wide, {false, true, 80}, clock);
  bar.ShowTransfer("upload", 1536, 3072);
  EXPECT_EQ(wide.str(),
            "\rupload  [############............]  50 %  1.5 KiB of 3.0 KiB"
            "\x1b[K");
}

}  // namespace
}  // namespace troupe
