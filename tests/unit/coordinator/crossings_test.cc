// Callers that cross at random: submit, cancel, resume, delete, validate, look,
// housekeeping, versions that go, the ends of runs, and stops. Whatever the
// order, each call is answered by a reason, and every job is whole in the end.
#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "client/coordinator/job_scheduler.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_company.h"

namespace troupe {
namespace {

constexpr int kCallers = 4;
constexpr int kStepsOfEach = 60;
constexpr int kLives = 3;  // Of the coordinator.
constexpr int kJobsAtOnce = 4;

bool HasSucceeded(const pb::Job& job) {
  return job.state() == pb::SUCCEEDED || job.state() == pb::PARTIALLY_SUCCEEDED;
}

// What several callers know together.
class Crowd {
 public:
  explicit Crowd(FakeOffice* office) : office_(*office) {}

  // One caller's steps over one life of the scheduler.
  void Act(JobScheduler& scheduler, uint32_t seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < kStepsOfEach; ++i) {
      const size_t slot = random() % kJobsAtOnce;
      Step(scheduler, slot, static_cast<uint32_t>(random()));
    }
  }

  const std::set<std::string>& submitted() const { return submitted_; }

 private:
  void Step(JobScheduler& scheduler, size_t slot, uint32_t draw) {
    const std::string id = JobOf(slot);
    switch (draw % 12) {
      case 0:
      case 1:
        return Submit(scheduler, slot, draw / 12);
      case 2:
        return Expect(scheduler.Cancel(id).status());
      case 3:
      case 4:
        return Expect(scheduler.Resume(id).status());
      case 5:
        return Expect(scheduler.Delete(id));
      case 6:
        return Expect(
            scheduler.Validate(MakeJob(draw / 12), [] { return false; })
                .status());
      case 7:
        return Expect(office_.pipelines->Delete(VersionOf(slot)));
      case 8:
        return KeepHouse(scheduler);
      default:
        return Look(scheduler, id);
    }
  }

  // One that succeeds, one that fails, or one that only looks.
  pb::Job MakeJob(uint32_t draw) {
    pb::Job job;
    job.set_id(NewId());
    job.set_kind(pb::INSPECT);
    job.set_state(pb::QUEUED);
    pb::CreateJobRequest& request = *job.mutable_request();
    request.set_kind(pb::INSPECT);
    request.set_write_output(draw % 3 != 0);
    request.mutable_source()->set_path("a.csv");
    request.mutable_source()->set_on_bad_row(draw % 3 == 1 ? pb::FAIL
                                                           : pb::REJECT);
    request.mutable_source()->set_max_rejects(1);
    return job;
  }

  void Submit(JobScheduler& scheduler, size_t slot, uint32_t draw) {
    pb::Pipeline pipeline;
    pipeline.set_name("p");
    const auto stored = office_.pipelines->Register(pipeline, "");
    ASSERT_TRUE(stored.ok()) << stored.status();
    pb::Job job = MakeJob(draw);
    job.set_pipeline(VersionName(*stored));
    {
      MutexLock lock(&mutex_);
      jobs_[slot] = job.id();
      versions_[slot] = job.pipeline();
    }
    const auto created = scheduler.Submit(job);
    Expect(created.status());
    MutexLock lock(&mutex_);
    if (created.ok()) submitted_.insert(job.id());
  }

  // A job seen SUCCEEDED stays so, until it is deleted.
  void Look(JobScheduler& scheduler, const std::string& id) {
    const bool seen = Knows(id);
    const auto job = scheduler.Get(id);
    Expect(job.status());
    if (!job.ok()) return;
    EXPECT_TRUE(!seen || HasSucceeded(*job)) << job->ShortDebugString();
    MutexLock lock(&mutex_);
    if (HasSucceeded(*job)) succeeded_.insert(id);
  }

  void KeepHouse(JobScheduler& scheduler) {
    const auto expired = office_.jobs->Expired(absl::InfiniteDuration(), 3);
    ASSERT_TRUE(expired.ok()) << expired.status();
    for (const std::string& id : *expired) Expect(scheduler.Delete(id));
  }

  // Every refusal has a reason that a caller can act upon.
  static void Expect(const absl::Status& status) {
    static const auto* const reasons = new std::set<std::string>{
        "JOB_NOT_FOUND",   "JOB_RUNNING",        "JOB_SUCCEEDED",
        "DRAINING",        "TOO_MANY_JOBS",      "TOO_MANY_VALIDATIONS",
        "PIPELINE_IN_USE", "PIPELINE_NOT_FOUND", "BAD_ROW"};
    EXPECT_TRUE(status.ok() || reasons->contains(ReasonOf(status))) << status;
  }

  std::string JobOf(size_t slot) {
    MutexLock lock(&mutex_);
    return jobs_[slot];
  }
  std::string VersionOf(size_t slot) {
    MutexLock lock(&mutex_);
    return versions_[slot].empty() ? "p@1" : versions_[slot];
  }
  bool Knows(const std::string& id) {
    MutexLock lock(&mutex_);
    return succeeded_.contains(id);
  }

  FakeOffice& office_;
  Mutex mutex_;
  std::map<size_t, std::string> jobs_ ABSL_GUARDED_BY(mutex_);
  std::map<size_t, std::string> versions_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> submitted_;
  std::set<std::string> succeeded_ ABSL_GUARDED_BY(mutex_);
};

// What a job's state promises of its files.
void ExpectWhole(FakeOffice& office, const pb::Job& job) {
  EXPECT_TRUE(HasStopped(job.state())) << job.ShortDebugString();
  const bool published =
      std::filesystem::exists(office.dir / ("output/" + job.id()));
  EXPECT_EQ(published, HasSucceeded(job) && job.has_manifest())
      << job.ShortDebugString();
}

class Crossings : public testing::TestWithParam<uint32_t> {};

TEST_P(Crossings, LeaveEveryJobWhole) {
  FakeOffice office;
  office.company.bad_rows = {1};
  Crowd crowd(&office);
  for (uint32_t life = 0; life < kLives; ++life) {
    JobScheduler scheduler(&office.environment, 2, /*max_unfinished=*/6);
    ASSERT_TRUE(scheduler.Recover().ok());
    std::vector<std::thread> callers;
    for (uint32_t i = 0; i < kCallers; ++i)
      callers.emplace_back([&, i] {
        crowd.Act(scheduler, GetParam() + 100 * life + 10 * i);
        if (i == 0) scheduler.Suspend();  // Beside the others.
      });
    for (std::thread& caller : callers) caller.join();
  }
  JobScheduler scheduler(&office.environment, 2);
  ASSERT_TRUE(scheduler.Recover().ok());
  for (const std::string& id : crowd.submitted()) {
    while (scheduler.FindLive(id) != nullptr) std::this_thread::yield();
    const auto job = scheduler.Get(id);
    EXPECT_TRUE(job.ok() || ReasonOf(job.status()) == "JOB_NOT_FOUND");
    if (job.ok()) ExpectWhole(office, *job);
    EXPECT_TRUE(scheduler.Delete(id).ok());
  }
  EXPECT_TRUE(office.jobs->Unfinished()->empty());
  EXPECT_TRUE(std::filesystem::is_empty(office.environment.output_root));
}

INSTANTIATE_TEST_SUITE_P(Seeds, Crossings, testing::Range(1000u, 9000u, 1000u));

}  // namespace
}  // namespace troupe
