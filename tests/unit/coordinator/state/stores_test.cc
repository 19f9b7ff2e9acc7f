// What survives a restart: jobs, pipelines, uploads.
#include <filesystem>

#include "client/coordinator/state/database.h"
#include "client/coordinator/state/garbage.h"
#include "client/coordinator/state/job_store.h"
#include "client/coordinator/state/pipeline_registry.h"
#include "client/coordinator/state/upload_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "tests/testing/temp_dir.h"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

pb::Job MakeJob(const std::string& id, const std::string& request_id = "") {
  pb::Job job;
  job.set_id(id);
  job.set_state(pb::QUEUED);
  job.mutable_request()->set_request_id(request_id);
  job.mutable_request()->mutable_source()->set_path("a.csv");
  return job;
}

TEST(Database, RefusesASecondCoordinatorOnTheSameDirectory) {
  TempDir dir;
  const auto first = Database::Open(dir.path());
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Database::Open(dir.path());
  EXPECT_EQ(ReasonOf(second.status()), "STATE_DIR_IN_USE");
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(dir.path()));
}

TEST(Database, UndoesATransactionThatFails) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  ASSERT_TRUE(database
                  ->Run([](Connection& c) {
                    return c.Execute("CREATE TABLE t (x INTEGER)");
                  })
                  .ok());
  EXPECT_FALSE(database
                   ->Run([](Connection& c) {
                     c.Execute("INSERT INTO t VALUES (1)").IgnoreError();
                     return absl::AbortedError("stop");
                   })
                   .ok());
  int64_t rows = -1;
  ASSERT_TRUE(database
                  ->Run([&](Connection& c) {
                    Statement count = *c.Prepare("SELECT count(*) FROM t");
                    const absl::Status status = count.Execute();
                    rows = count.Int(0);
                    return status;
                  })
                  .ok());
  EXPECT_EQ(rows, 0);
}

TEST(JobStore, ReturnsTheSameJobForTheSameRequest) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto store = *JobStore::Open(database.get());
  EXPECT_TRUE(store->Add(MakeJob("a", "r1"))->created);
  const auto again = store->Add(MakeJob("b", "r1"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->created);
  EXPECT_EQ(again->job.id(), "a");
}

TEST(JobStore, RefusesAnotherRequestUnderAUsedRequestId) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto store = *JobStore::Open(database.get());
  ASSERT_TRUE(store->Add(MakeJob("a", "r1")).ok());
  pb::Job other = MakeJob("b", "r1");
  other.mutable_request()->mutable_source()->set_path("b.csv");
  EXPECT_EQ(ReasonOf(store->Add(other).status()), "REQUEST_ID_REUSED");
}

TEST(JobStore, NeverTakesEmptyRequestIdsForEqual) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto store = *JobStore::Open(database.get());
  ASSERT_TRUE(store->Add(MakeJob("a")).ok());
  EXPECT_TRUE(store->Add(MakeJob("b"))->created);
}

TEST(JobStore, KeepsJobsAndCountsEpochsOverRestarts) {
  TempDir dir;
  for (int64_t epoch = 1; epoch <= 2; ++epoch) {
    const auto database = *Database::Open(dir.path());
    const auto store = *JobStore::Open(database.get());
    EXPECT_EQ(store->epoch(), epoch);
    if (epoch == 1) {
      ASSERT_TRUE(store->Add(MakeJob("a", "r")).ok());
    }
    EXPECT_EQ(store->Get("a")->request().request_id(), "r");
  }
}

TEST(JobStore, ListsNewestFirstPageByPage) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto store = *JobStore::Open(database.get());
  for (const std::string id : {"a", "b", "c"})
    ASSERT_TRUE(store->Add(MakeJob(id)).ok());
  const auto first = *store->List(2, "");
  ASSERT_EQ(first.jobs_size(), 2);
  EXPECT_EQ(first.jobs(0).id(), "c");
  const auto second = *store->List(2, first.next_page_token());
  ASSERT_EQ(second.jobs_size(), 1);
  EXPECT_EQ(second.jobs(0).id(), "a");
  EXPECT_EQ(second.next_page_token(), "");
}

TEST(JobStore, RefusesAPageTokenItDidNotMake) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto store = *JobStore::Open(database.get());
  EXPECT_EQ(ReasonOf(store->List(1, "x").status()), "BAD_SPEC");
}

TEST(JobStore, KnowsWhatHasNotEnded) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto store = *JobStore::Open(database.get());
  for (const std::string id : {"a", "b"})
    ASSERT_TRUE(store->Add(MakeJob(id)).ok());
  pb::Job done = MakeJob("a");
  done.set_state(pb::SUCCEEDED);
  ASSERT_TRUE(store->Update(done).ok());
  EXPECT_THAT(*store->Unfinished(), ElementsAre("b"));
}

TEST(JobStore, TellsWhichEndedJobsAreOldOrTooMany) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto store = *JobStore::Open(database.get());
  for (const std::string id : {"a", "b", "c"}) {
    pb::Job job = MakeJob(id);
    job.set_state(pb::FAILED);
    job.mutable_end_time()->set_seconds(id == "a" ? 100 : 200);
    ASSERT_TRUE(store->Add(job).ok());
  }
  EXPECT_THAT(*store->Expired(absl::FromUnixSeconds(150), 9), ElementsAre("a"));
  EXPECT_THAT(*store->Expired(absl::FromUnixSeconds(50), 1),
              ElementsAre("a", "b"));
}

pb::Pipeline NamedPipeline(const std::string& name, const std::string& sha) {
  pb::Pipeline pipeline;
  pipeline.set_name(name);
  pipeline.add_hops()->set_artifact(sha);
  return pipeline;
}

TEST(PipelineRegistry, CountsVersionsByName) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  PipelineRegistry registry(database.get());
  EXPECT_EQ(registry.Register(NamedPipeline("p", "s1"), "")->version(), 1);
  EXPECT_EQ(registry.Register(NamedPipeline("p", "s2"), "")->version(), 2);
  EXPECT_EQ(registry.Register(NamedPipeline("q", "s3"), "")->version(), 1);
  EXPECT_EQ(registry.Get("p")->hops(0).artifact(), "s2");
  EXPECT_EQ(registry.Get("p@1")->hops(0).artifact(), "s1");
}

TEST(PipelineRegistry, NeverGivesAVersionTwice) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  PipelineRegistry registry(database.get());
  ASSERT_TRUE(registry.Register(NamedPipeline("p", "s1"), "").ok());
  ASSERT_TRUE(registry.Delete("p@1").ok());
  ASSERT_TRUE(registry.Delete("p@1").ok());
  EXPECT_EQ(registry.Register(NamedPipeline("p", "s1"), "")->version(), 2);
}

TEST(PipelineRegistry, NamesTheNearestPipeline) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  PipelineRegistry registry(database.get());
  ASSERT_TRUE(registry.Register(NamedPipeline("cancer", "s"), "").ok());
  const absl::Status status = registry.Get("cancr").status();
  EXPECT_EQ(ReasonOf(status), "PIPELINE_NOT_FOUND");
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"cancer\""));
}

TEST(PipelineRegistry, ListsTheNewestOfEachOrAllOfOne) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  PipelineRegistry registry(database.get());
  for (const std::string name : {"p", "q", "p"})
    ASSERT_TRUE(registry.Register(NamedPipeline(name, "s"), "").ok());
  const auto newest = *registry.List("");
  ASSERT_EQ(newest.pipelines_size(), 2);
  EXPECT_EQ(newest.pipelines(0).version(), 2);
  EXPECT_EQ(newest.pipelines(0).hops(0).artifact(), "");
  EXPECT_EQ(registry.List("p")->pipelines_size(), 2);
}

// Runs p@1, which is registered.
pb::Job JobOfVersion(const std::string& id) {
  pb::Job job = MakeJob(id);
  job.set_pipeline("p@1");
  return job;
}

TEST(PipelineRegistry, KeepsAVersionThatAnUnfinishedJobNamesOverARestart) {
  TempDir dir;
  for (const bool again : {false, true}) {
    const auto database = *Database::Open(dir.path());
    const auto jobs = *JobStore::Open(database.get());
    PipelineRegistry registry(database.get());
    if (!again) {
      ASSERT_TRUE(registry.Register(NamedPipeline("p", "s1"), "").ok());
      ASSERT_TRUE(registry.Register(NamedPipeline("p", "s2"), "").ok());
      ASSERT_TRUE(jobs->Add(JobOfVersion("j")).ok());
    }
    const absl::Status refused = registry.Delete("p@1");
    EXPECT_EQ(ReasonOf(refused), "PIPELINE_IN_USE");
    EXPECT_EQ(MetadataOf(refused)["jobs"], "j");
    EXPECT_TRUE(registry.Delete("p@2").ok());
  }
}

TEST(PipelineRegistry, LetsAVersionGoWhenItsJobsHaveEnded) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto jobs = *JobStore::Open(database.get());
  PipelineRegistry registry(database.get());
  ASSERT_TRUE(registry.Register(NamedPipeline("p", "s1"), "").ok());
  pb::Job job = jobs->Add(JobOfVersion("j"))->job;
  job.set_state(pb::DISK_FULL);  // Waits; it goes on from here.
  ASSERT_TRUE(jobs->Update(job).ok());
  EXPECT_EQ(ReasonOf(registry.Delete("p@1")), "PIPELINE_IN_USE");
  job.set_state(pb::FAILED);
  ASSERT_TRUE(jobs->Update(job).ok());
  EXPECT_TRUE(registry.Delete("p@1").ok());
}

TEST(JobStore, TakesNoJobWhoseVersionIsGone) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto jobs = *JobStore::Open(database.get());
  PipelineRegistry registry(database.get());
  EXPECT_EQ(ReasonOf(jobs->Add(JobOfVersion("j")).status()),
            "PIPELINE_NOT_FOUND");
  EXPECT_EQ(ReasonOf(jobs->Get("j").status()), "JOB_NOT_FOUND");
  ASSERT_TRUE(registry.Register(NamedPipeline("p", "s1"), "").ok());
  pb::Job job = jobs->Add(JobOfVersion("j"))->job;
  job.set_state(pb::FAILED);
  ASSERT_TRUE(jobs->Update(job).ok());
  ASSERT_TRUE(registry.Delete("p@1").ok());
  job.set_state(pb::QUEUED);
  EXPECT_EQ(ReasonOf(jobs->Reopen(job)), "PIPELINE_NOT_FOUND");
  EXPECT_EQ(jobs->Get("j")->state(), pb::FAILED);
}

TEST(PipelineRegistry, RefusesWhatIsNoName) {
  for (const std::string text : {"", "@1", "p@", "p@0", "p@x", "p@1@2"})
    EXPECT_EQ(ReasonOf(ParsePipelineName(text).status()), "BAD_SPEC") << text;
}

TEST(UploadStore, KeepsWhatWasFinished) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  auto writer = *uploads->Begin("a.csv");
  ASSERT_TRUE(writer->Append("hello").ok());
  const auto stored = *writer->Finish(absl::Now());
  EXPECT_EQ(uploads->Get(stored.id)->name, "a.csv");
  EXPECT_EQ(*ReadFileRange(uploads->Get(stored.id)->path, 1, 99), "ello");
}

TEST(UploadStore, LeavesNothingOfAnUploadThatBroke) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  auto writer = *uploads->Begin("a.csv");
  ASSERT_TRUE(writer->Append("hello").ok());
  writer.reset();
  EXPECT_TRUE(std::filesystem::is_empty(dir / "uploads"));
}

TEST(UploadStore, RefusesTooLargeUploads) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 4);
  auto writer = *uploads->Begin("a.csv");
  EXPECT_EQ(ReasonOf(writer->Append("hello")), "UPLOAD_TOO_LARGE");
}

// As the transaction that records the job does it.
absl::Status Claim(Database& database, const StoredUpload& upload,
                   absl::string_view job) {
  return database.Run([&](Connection& connection) {
    return UploadStore::Claim(connection, upload.id, job);
  });
}

// As the transaction that deletes the job does it; then what is garbage goes.
absl::Status Release(Database& database, absl::string_view job) {
  const absl::Status released = database.Run([&](Connection& connection) {
    return UploadStore::Release(connection, job);
  });
  return released.ok() ? CollectGarbage(database).status() : released;
}

TEST(JobStore, RecordsNoJobWithoutItsUpload) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  const auto jobs = *JobStore::Open(database.get());
  pb::Job job;
  job.set_id("j");
  job.mutable_request()->set_upload("gone");
  EXPECT_EQ(ReasonOf(jobs->Add(job).status()), "UPLOAD_NOT_FOUND");
  EXPECT_EQ(ReasonOf(jobs->Get("j").status()), "JOB_NOT_FOUND");
  const auto upload = *(*uploads->Begin("a"))->Finish(absl::FromUnixSeconds(9));
  job.mutable_request()->set_upload(upload.id);
  ASSERT_TRUE(jobs->Add(job)->created);
  ASSERT_TRUE(uploads->ReleaseUnclaimed(absl::FromUnixSeconds(10)).ok());
  EXPECT_TRUE(uploads->Get(upload.id).ok());
}

TEST(UploadStore, RemovesWhatNobodyUsesAndKeepsWhatAJobClaimed) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  const auto used = *(*uploads->Begin("a"))->Finish(absl::FromUnixSeconds(9));
  const auto unused = *(*uploads->Begin("b"))->Finish(absl::FromUnixSeconds(9));
  ASSERT_TRUE(Claim(*database, used, "job").ok());
  ASSERT_TRUE(uploads->ReleaseUnclaimed(absl::FromUnixSeconds(10)).ok());
  EXPECT_TRUE(uploads->Get(used.id).ok());
  EXPECT_EQ(ReasonOf(uploads->Get(unused.id).status()), "UPLOAD_NOT_FOUND");
  ASSERT_TRUE(Release(*database, "job").ok());
  EXPECT_TRUE(std::filesystem::is_empty(dir / "uploads"));
}

TEST(UploadStore, KeepsWhatASecondJobUsesUntilBothAreDeleted) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  const auto shared = *(*uploads->Begin("a"))->Finish(absl::FromUnixSeconds(9));
  ASSERT_TRUE(Claim(*database, shared, "first").ok());
  ASSERT_TRUE(Claim(*database, shared, "second").ok());
  ASSERT_TRUE(Release(*database, "second").ok());
  ASSERT_TRUE(uploads->ReleaseUnclaimed(absl::FromUnixSeconds(10)).ok());
  EXPECT_TRUE(uploads->Get(shared.id).ok());
  EXPECT_TRUE(std::filesystem::exists(shared.path));
  ASSERT_TRUE(Release(*database, "first").ok());
  EXPECT_TRUE(std::filesystem::is_empty(dir / "uploads"));
}

}  // namespace
}  // namespace troupe
