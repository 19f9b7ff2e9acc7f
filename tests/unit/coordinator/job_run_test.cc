// Jobs from their beginning to their end, over stages that a test plays.
#include "client/coordinator/jobs/job_run.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/coordinator/job_scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_company.h"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

pb::Job RunToEnd(FakeOffice& office, const pb::Job& job) {
  JobRun run(&office.environment, std::make_shared<LiveJob>(job));
  run.Work();
  run.End().IgnoreError();
  return *office.jobs->Get(job.id());
}

// Waits for another thread to bring a condition about.
void AwaitUntil(const std::function<bool()>& condition) {
  const absl::Time limit = absl::Now() + absl::Seconds(20);
  while (!condition() && absl::Now() < limit) std::this_thread::yield();
  ASSERT_TRUE(condition());
}

TEST(JobRun, WritesEveryRowInInputOrder) {
  FakeOffice office;
  const pb::Job job = RunToEnd(office, office.WritingJob("j"));
  EXPECT_EQ(job.state(), pb::SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(ReadFile(office.dir / "output/j/part-00000.csv"),
            "x\n0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n");
  EXPECT_EQ(job.manifest().rows_ok(), 12);
}

TEST(JobRun, GivesTheSameBytesWhateverOrderRepliesComeIn) {
  FakeOffice office;
  office.company.held_methods = {"Load"};
  const pb::Job recorded = office.WritingJob("j");
  std::thread runner([&] { RunToEnd(office, recorded); });
  AwaitUntil([&] { return office.company.held() == 3; });
  office.company.Release(/*reverse=*/true);
  runner.join();
  EXPECT_EQ(ReadFile(office.dir / "output/j/part-00000.csv"),
            "x\n0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n");
}

TEST(JobRun, RecordsBoundariesBeforeItLoads) {
  FakeOffice office;
  RunToEnd(office, office.WritingJob("j"));
  EXPECT_EQ(office.journal->Splits("j", 0)->size(), 3u);
}

TEST(JobRun, FailsWithTheFirstBadRow) {
  FakeOffice office;
  office.company.bad_rows = {9, 6};
  const pb::Job job = RunToEnd(office, office.WritingJob("j"));
  EXPECT_EQ(job.state(), pb::FAILED);
  EXPECT_EQ(job.error().message(), "row 6, it is bad");
  EXPECT_FALSE(std::filesystem::exists(office.dir / "output/j"));
  EXPECT_FALSE(std::filesystem::exists(office.dir / "output/j"));
}

TEST(JobRun, SendsBadRowsToTheRejectsWithTheirText) {
  FakeOffice office;
  office.company.bad_rows = {6};
  const pb::Job job =
      RunToEnd(office, office.WritingJob("j", pb::REJECT, /*max_rejects=*/0.1));
  EXPECT_EQ(job.state(), pb::PARTIALLY_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.manifest().rows_ok(), 11);
  EXPECT_EQ(ReadFile(office.dir / "output/j/rejects.jsonl"),
            "{\"row\": 6, \"reason\": \"BAD_ROW\", \"message\": \"row 6, it "
            "is bad\", \"text\": \"text of 6\"}\n");
}

TEST(JobRun, GoesOnBehindTheCommittedBatches) {
  FakeOffice office;
  office.company.load_errors[2] = absl::InternalError("once");
  const pb::Job job = office.WritingJob("j", pb::REJECT, 1);
  office.company.bad_rows = {1};
  ASSERT_EQ(RunToEnd(office, job).state(), pb::FAILED);
  office.company.load_errors.clear();
  office.company.loaded.clear();
  const pb::Job ended = RunToEnd(office, job);
  ASSERT_EQ(ended.state(), pb::PARTIALLY_SUCCEEDED) << ended.DebugString();
  EXPECT_EQ(ReadFile(office.dir / "output/j/part-00000.csv"),
            "x\n0\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n");
  EXPECT_EQ(ended.manifest().rows_read(), 12);
  EXPECT_EQ(ended.report().rejected(0).row(), 1);
  // Batch 2 is done, and the first two are looked at once more for the preview.
  EXPECT_THAT(office.company.loaded, UnorderedElementsAre(0, 1, 2, 2));
}

TEST(JobRun, CompletesAJobWhoseOutputWasPublished) {
  FakeOffice office;
  const pb::Job job = office.WritingJob("j");
  const pb::Job ended = RunToEnd(office, job);
  // As if the process had died before the end was recorded.
  ASSERT_TRUE(office.jobs->Update(job).ok());
  pb::FinishedStep publishing;
  *publishing.mutable_report() = ended.report();
  ASSERT_TRUE(office.journal->FinishStep("j", "publish", publishing).ok());
  office.company.loaded.clear();
  const pb::Job again = RunToEnd(office, job);
  EXPECT_EQ(again.state(), pb::SUCCEEDED) << again.DebugString();
  EXPECT_EQ(again.manifest().SerializeAsString(),
            ended.manifest().SerializeAsString());
  EXPECT_TRUE(office.company.loaded.empty());
}

TEST(JobRun, RefusesAPublishedOutputThatHasChanged) {
  FakeOffice office;
  const pb::Job job = office.WritingJob("j");
  RunToEnd(office, job);
  ASSERT_TRUE(office.jobs->Update(job).ok());
  ASSERT_TRUE(
      office.journal->FinishStep("j", "publish", pb::FinishedStep()).ok());
  std::ofstream(office.dir / "output/j/part-00000.csv", std::ios::in) << "y";
  const pb::Job again = RunToEnd(office, job);
  EXPECT_EQ(again.state(), pb::FAILED);
  EXPECT_THAT(again.error().message(), HasSubstr("part-00000.csv"));
}

TEST(JobRun, WaitsForSpaceWhenADiskIsFull) {
  FakeOffice office;
  office.company.load_errors[1] = MakeError(
      absl::StatusCode::kResourceExhausted, "DISK_FULL", "no space left");
  const pb::Job job = office.WritingJob("j");
  EXPECT_EQ(RunToEnd(office, job).state(), pb::DISK_FULL);
  EXPECT_FALSE(std::filesystem::exists(office.dir / "output/j"));
  office.company.load_errors.clear();
  EXPECT_EQ(RunToEnd(office, job).state(), pb::SUCCEEDED);
}

TEST(JobRun, FailsWithTooManyRejects) {
  FakeOffice office;
  office.company.bad_rows = {6, 7};
  const pb::Job job =
      RunToEnd(office, office.WritingJob("j", pb::REJECT, /*max_rejects=*/0.1));
  EXPECT_EQ(job.state(), pb::FAILED);
  EXPECT_THAT(job.error().message(), HasSubstr("2 of 8 rows are bad"));
  EXPECT_THAT(job.error().message(),
              HasSubstr("\n  row 6, it is bad\n  row 7, "));
}

TEST(JobRun, FailsWithTheEarliestBatchesError) {
  FakeOffice office;
  office.company.load_errors = {{2, absl::InternalError("second")},
                                {1, absl::InternalError("first")}};
  EXPECT_EQ(RunToEnd(office, office.WritingJob("j")).error().message(),
            "first");
}

TEST(JobRun, KeepsOnlyAWindowOfBatchesUnderWay) {
  FakeOffice office;
  office.company.splits = 9;
  office.company.held_methods = {"Load"};
  office.environment.limits.window_batches = 2;
  const pb::Job recorded = office.WritingJob("j");
  std::thread runner([&] { RunToEnd(office, recorded); });
  for (const size_t under_way : {2, 2, 2, 2, 1}) {
    AwaitUntil([&] { return office.company.held() == under_way; });
    office.company.Release();
  }
  runner.join();
  EXPECT_EQ(office.company.most_loads(), 2);
  EXPECT_EQ(office.jobs->Get("j")->manifest().rows_ok(), 36);
}

TEST(JobRun, AdmitsABatchWiderThanTheWindowAlone) {
  FakeOffice office;
  office.environment.limits.window_bytes = 1;
  EXPECT_EQ(RunToEnd(office, office.WritingJob("j")).state(), pb::SUCCEEDED);
}

TEST(JobRun, StopsAtOnceWhenCancelledAndPublishesNothing) {
  FakeOffice office;
  office.company.held_methods = {"Load"};
  JobScheduler scheduler(&office.environment, 1);
  pb::Job job = office.WritingJob("unused");
  job.set_id("j");
  job.mutable_request()->set_request_id("r");
  ASSERT_TRUE(scheduler.Submit(job).ok());
  AwaitUntil([&] { return office.company.held() == 3; });
  ASSERT_TRUE(scheduler.Cancel("j").ok());
  AwaitUntil([&] { return scheduler.Get("j")->state() == pb::CANCELLED; });
  EXPECT_FALSE(std::filesystem::exists(office.dir / "output/j"));
  EXPECT_TRUE(scheduler.Cancel("j").ok());  // Idempotent.
}

TEST(JobRun, StallsWithoutAReplicaAndGoesOnByItself) {
  FakeOffice office;
  office.company.held_methods = {"Load"};
  office.company.SetStalled({"model"});
  JobScheduler scheduler(&office.environment, 1);
  pb::Job job = office.WritingJob("unused");
  job.set_id("j");
  ASSERT_TRUE(scheduler.Submit(job).ok());
  AwaitUntil([&] { return scheduler.Get("j")->state() == pb::STALLED; });
  EXPECT_THAT(scheduler.Get("j")->state_message(), HasSubstr("model"));
  office.company.SetStalled({});
  AwaitUntil([&] { return scheduler.Get("j")->state() == pb::RUNNING; });
  office.company.Release();
  AwaitUntil([&] { return scheduler.Get("j")->state() == pb::SUCCEEDED; });
}

TEST(JobRun, FailsWhenItStallsForTooLong) {
  FakeOffice office;
  office.company.held_methods = {"Plan"};
  office.company.SetStalled({"loader"});
  office.environment.limits.max_stall = absl::ZeroDuration();
  const pb::Job job = RunToEnd(office, office.WritingJob("j"));
  EXPECT_EQ(job.state(), pb::FAILED);
  EXPECT_THAT(job.error().message(), HasSubstr("no replica of loader"));
}

// A job that only looks at its input.
pb::Job LookingJob(FakeOffice& office, const std::string& id) {
  pb::Job job = office.WritingJob(absl::StrCat("unused-", id));
  job.set_id(id);
  job.mutable_request()->set_write_output(false);
  return job;
}

// Keeps the only long job that may run from its end.
void BeginLongJob(FakeOffice& office, JobScheduler& scheduler) {
  office.company.held_methods = {"Load"};
  pb::Job job = office.WritingJob("unused");
  job.set_id("long");
  ASSERT_TRUE(scheduler.Submit(job).ok());
  AwaitUntil([&] { return office.company.held() == 3; });
}

TEST(JobScheduler, LetsNoShortJobWaitBehindALongOne) {
  FakeOffice office;
  JobScheduler scheduler(&office.environment, 1);
  BeginLongJob(office, scheduler);
  ASSERT_TRUE(scheduler.Submit(LookingJob(office, "short")).ok());
  AwaitUntil([&] { return scheduler.Get("short")->state() == pb::SUCCEEDED; });
  EXPECT_EQ(scheduler.Get("long")->state(), pb::RUNNING);
  EXPECT_THAT(office.company.lanes_of("short"), ElementsAre("online"));
  EXPECT_THAT(office.company.lanes_of("long"), ElementsAre("batch"));
}

TEST(JobScheduler, LetsAShortJobWithMuchInputWaitItsTurn) {
  FakeOffice office;
  office.environment.limits.short_bytes = 1;
  JobScheduler scheduler(&office.environment, 1);
  BeginLongJob(office, scheduler);
  ASSERT_TRUE(scheduler.Submit(LookingJob(office, "big")).ok());
  const auto big = scheduler.FindLive("big");
  AwaitUntil([&] { return !big->is_short(); });
  EXPECT_EQ(scheduler.Get("big")->state(), pb::QUEUED);
  office.company.Release();
  AwaitUntil([&] { return scheduler.Get("big")->state() == pb::SUCCEEDED; });
}

TEST(JobScheduler, LetsAShortJobThatStallsMakeWay) {
  FakeOffice office;
  office.environment.limits.short_stall = absl::ZeroDuration();
  office.company.held_methods = {"Plan"};
  office.company.SetStalled({"loader"});
  JobScheduler scheduler(&office.environment, 1);
  ASSERT_TRUE(scheduler.Submit(LookingJob(office, "j")).ok());
  const auto live = scheduler.FindLive("j");
  AwaitUntil([&] { return !live->is_short(); });
  AwaitUntil([&] { return scheduler.Get("j")->state() == pb::STALLED; });
  office.company.SetStalled({});
  AwaitUntil([&] { return office.company.held() > 0; });
  office.company.Release();
  AwaitUntil([&] { return scheduler.Get("j")->state() == pb::SUCCEEDED; });
}

TEST(JobScheduler, TakesOnlySoManyJobs) {
  FakeOffice office;
  JobScheduler scheduler(&office.environment, 1, /*max_unfinished=*/2);
  BeginLongJob(office, scheduler);
  ASSERT_TRUE(scheduler.Submit(LookingJob(office, "a")).ok());
  AwaitUntil([&] { return scheduler.FindLive("a") == nullptr; });
  pb::Job job = office.WritingJob("unused2");
  job.set_id("waits");
  ASSERT_TRUE(scheduler.Submit(job).ok());
  pb::Job third = office.WritingJob("unused3");
  third.set_id("third");
  const absl::Status refused = scheduler.Submit(third).status();
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_JOBS");
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_GT(RetryDelayOf(refused).value_or(absl::ZeroDuration()),
            absl::ZeroDuration());
  EXPECT_EQ(ReasonOf(office.jobs->Get("third").status()), "JOB_NOT_FOUND");
  ASSERT_TRUE(scheduler.Cancel("waits").ok());
  EXPECT_TRUE(scheduler.Submit(third).ok());
  EXPECT_EQ(ReasonOf(scheduler.Resume("waits").status()), "TOO_MANY_JOBS");
  office.company.Release();
}

TEST(JobScheduler, CancelsAtOnceWhatWaitsForItsTurn) {
  FakeOffice office;
  JobScheduler scheduler(&office.environment, 1);
  BeginLongJob(office, scheduler);
  pb::Job job = office.WritingJob("unused2");
  job.set_id("waits");
  ASSERT_TRUE(scheduler.Submit(job).ok());
  const auto watched = scheduler.FindLive("waits");
  EXPECT_EQ(scheduler.Cancel("waits")->state(), pb::CANCELLED);
  EXPECT_EQ(watched->Get().job.state(), pb::CANCELLED);
  EXPECT_EQ(office.jobs->Get("waits")->state(), pb::CANCELLED);
  office.company.Release();
  AwaitUntil([&] { return scheduler.Get("long")->state() == pb::SUCCEEDED; });
  EXPECT_EQ(scheduler.Get("waits")->state(), pb::CANCELLED);
}

TEST(JobScheduler, RunsSuspendedJobsAgainAtTheNextStart) {
  FakeOffice office;
  office.company.held_methods = {"Load"};
  pb::Job job = office.WritingJob("unused");
  job.set_id("j");
  {
    JobScheduler scheduler(&office.environment, 1);
    ASSERT_TRUE(scheduler.Submit(job).ok());
    AwaitUntil([&] { return office.company.held() == 3; });
    scheduler.Suspend();
    EXPECT_EQ(ReasonOf(scheduler.Submit(job).status()), "DRAINING");
  }
  EXPECT_EQ(office.jobs->Get("j")->state(), pb::QUEUED);
  office.company.held_methods.clear();
  JobScheduler scheduler(&office.environment, 1);
  ASSERT_TRUE(scheduler.Recover().ok());
  AwaitUntil([&] { return scheduler.Get("j")->state() == pb::SUCCEEDED; });
}

bool CallerStays() { return false; }

// Not recorded.
pb::Job JobToValidate(FakeOffice& office) {
  pb::Job job = office.WritingJob(NewId());
  job.set_id("not-recorded");
  return job;
}

TEST(JobScheduler, ValidatesWithoutStoringAnything) {
  FakeOffice office;
  JobScheduler scheduler(&office.environment, 1);
  const auto validated = scheduler.Validate(JobToValidate(office), CallerStays);
  ASSERT_TRUE(validated.ok()) << validated.status();
  EXPECT_EQ(validated->id(), "");
  EXPECT_EQ(validated->report().columns_size(), 1);
  EXPECT_TRUE(std::filesystem::is_empty(office.environment.output_root));
}

TEST(JobScheduler, SaysAtOnceWhichStageCannotValidate) {
  FakeOffice office;
  office.company.SetStalled({"loader"});
  JobScheduler scheduler(&office.environment, 1);
  const absl::Status refused =
      scheduler.Validate(JobToValidate(office), CallerStays).status();
  EXPECT_EQ(ReasonOf(refused), "NO_REPLICA");
  EXPECT_EQ(MetadataOf(refused)["stage"], "loader");
  EXPECT_TRUE(office.company.loaded.empty());
}

// Validates while the loader does not answer; then something happens.
absl::Status ValidateMeanwhile(
    FakeOffice& office, JobScheduler& scheduler,
    const std::function<void()>& happens,
    const std::function<bool()>& caller_left = CallerStays) {
  const pb::Job job = JobToValidate(office);
  office.company.held_methods = {"Plan"};
  absl::Status status;
  std::thread caller(
      [&] { status = scheduler.Validate(job, caller_left).status(); });
  AwaitUntil([&] { return office.company.held() == 1; });
  happens();
  caller.join();
  return status;
}

TEST(JobScheduler, StopsValidatingWhenTheStageIsLost) {
  FakeOffice office;
  JobScheduler scheduler(&office.environment, 1);
  const absl::Status status = ValidateMeanwhile(
      office, scheduler, [&] { office.company.SetStalled({"loader"}); });
  EXPECT_EQ(ReasonOf(status), "NO_REPLICA");
}

TEST(JobScheduler, StopsValidatingWhenTheCallerLeaves) {
  FakeOffice office;
  JobScheduler scheduler(&office.environment, 1);
  std::atomic<bool> left = false;
  const absl::Status status = ValidateMeanwhile(
      office, scheduler, [&] { left = true; }, [&] { return left.load(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST(JobScheduler, StopsValidatingWhenItIsSuspended) {
  FakeOffice office;
  JobScheduler scheduler(&office.environment, 1);
  const absl::Status status =
      ValidateMeanwhile(office, scheduler, [&] { scheduler.Suspend(); });
  EXPECT_EQ(ReasonOf(status), "DRAINING");
  EXPECT_EQ(
      ReasonOf(scheduler.Validate(JobToValidate(office), CallerStays).status()),
      "DRAINING");
}

TEST(JobScheduler, ResumesFailedJobsAndRefusesSucceededOnes) {
  FakeOffice office;
  office.company.bad_rows = {1};
  JobScheduler scheduler(&office.environment, 1);
  pb::Job job = office.WritingJob("unused");
  job.set_id("j");
  ASSERT_TRUE(scheduler.Submit(job).ok());
  AwaitUntil([&] { return scheduler.Get("j")->state() == pb::FAILED; });
  office.company.bad_rows.clear();
  ASSERT_TRUE(scheduler.Resume("j").ok());
  AwaitUntil([&] { return scheduler.Get("j")->state() == pb::SUCCEEDED; });
  EXPECT_EQ(ReasonOf(scheduler.Resume("j").status()), "JOB_SUCCEEDED");
}

TEST(JobScheduler, DeletesEndedJobsWithTheirOutputOnly) {
  FakeOffice office;
  office.company.held_methods = {"Load"};
  JobScheduler scheduler(&office.environment, 1);
  pb::Job job = office.WritingJob("unused");
  job.set_id("j");
  ASSERT_TRUE(scheduler.Submit(job).ok());
  AwaitUntil([&] { return office.company.held() == 3; });
  EXPECT_EQ(ReasonOf(scheduler.Delete("j")), "JOB_RUNNING");
  office.company.Release();
  AwaitUntil([&] { return scheduler.FindLive("j") == nullptr; });
  ASSERT_TRUE(scheduler.Delete("j").ok());
  ASSERT_TRUE(scheduler.Delete("j").ok());
  EXPECT_FALSE(std::filesystem::exists(office.dir / "output/j"));
}

TEST(JobScheduler, LetsResumeCancelAndDeleteCrossInAnyOrder) {
  FakeOffice office;
  office.company.bad_rows = {1};
  JobScheduler scheduler(&office.environment, 1);
  pb::Job job = office.WritingJob("unused");
  job.set_id("j");
  ASSERT_TRUE(scheduler.Submit(job).ok());
  std::atomic<bool> deleted = false;
  std::vector<std::thread> users;
  for (int i = 0; i < 2; ++i) {
    users.emplace_back([&] {
      while (!deleted) scheduler.Resume("j").IgnoreError();
    });
    users.emplace_back([&] {
      while (!deleted) scheduler.Cancel("j").IgnoreError();
    });
  }
  users.emplace_back([&] {
    for (int i = 0; i < 300; ++i) {
      const absl::Status status = scheduler.Delete("j");
      if (status.ok()) scheduler.Submit(job).IgnoreError();
      EXPECT_TRUE(status.ok() || ReasonOf(status) == "JOB_RUNNING") << status;
    }
    deleted = true;
  });
  for (std::thread& user : users) user.join();
  AwaitUntil([&] { return scheduler.Delete("j").ok(); });
  EXPECT_EQ(ReasonOf(scheduler.Get("j").status()), "JOB_NOT_FOUND");
  EXPECT_EQ(scheduler.FindLive("j"), nullptr);
}

// Whoever deletes a version beside submit and resume: no job is left that
// waits for what is gone.
TEST(JobScheduler, NeverLosesTheVersionOfAJobThatIsToRun) {
  FakeOffice office;
  office.company.held_methods = {"Plan"};  // None ends.
  JobScheduler scheduler(&office.environment, 2);
  for (int i = 1; i <= 100; ++i) {
    pb::Pipeline pipeline;
    pipeline.set_name("p");
    const std::string version =
        VersionName(*office.pipelines->Register(pipeline, ""));
    pb::Job job = office.WritingJob(absl::StrCat("unused", i));
    job.set_id(absl::StrCat("j", i));
    job.set_pipeline(version);
    absl::Status deleted;
    std::thread remover([&] { deleted = office.pipelines->Delete(version); });
    const auto submitted = scheduler.Submit(job);
    remover.join();
    ASSERT_NE(submitted.ok(), deleted.ok()) << submitted.status() << deleted;
    EXPECT_EQ(ReasonOf(deleted.ok() ? submitted.status() : deleted),
              deleted.ok() ? "PIPELINE_NOT_FOUND" : "PIPELINE_IN_USE");
  }
}

TEST(JobScheduler, CollectsArtifactsThatNoVersionNames) {
  FakeOffice office;
  const std::string used = *office.artifacts.Put("used");
  const std::string unused = *office.artifacts.Put("unused");
  pb::Pipeline pipeline;
  pipeline.set_name("p");
  pipeline.add_hops()->set_artifact(used);
  ASSERT_TRUE(office.pipelines->Register(pipeline, "").ok());
  pipeline.mutable_hops(0)->set_artifact(unused);
  ASSERT_TRUE(office.pipelines->Register(pipeline, "").ok());
  JobScheduler scheduler(&office.environment, 1);
  scheduler.CollectArtifacts();
  EXPECT_TRUE(office.artifacts.Contains(unused));
  ASSERT_TRUE(office.pipelines->Delete("p@2").ok());
  scheduler.CollectArtifacts();
  EXPECT_TRUE(office.artifacts.Contains(used));
  EXPECT_FALSE(office.artifacts.Contains(unused));
}

}  // namespace
}  // namespace troupe
