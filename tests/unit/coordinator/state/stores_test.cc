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
#include "services/host/sha256.h"
#include "tests/testing/fake_clock.h"
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

// The ids of what a filter lets through, page by page.
std::vector<std::string> Listed(JobStore& store, pb::ListJobsRequest request) {
  std::vector<std::string> ids;
  request.set_page_size(1);
  do {
    const auto page = *store.List(request);
    for (const pb::Job& job : page.jobs()) ids.push_back(job.id());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return ids;
}

TEST(JobStore, ListsByKindStateAndPipeline) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto store = *JobStore::Open(database.get());
  pb::Job trained = MakeJob("trained");
  trained.set_kind(pb::TRAIN);
  trained.mutable_request()->mutable_spec()->set_name("churn");
  ASSERT_TRUE(store->Add(trained).ok());
  for (const char* id : {"a", "b"}) {
    pb::Job job = MakeJob(id);
    job.set_kind(pb::INSPECT);
    ASSERT_TRUE(store->Add(job).ok());
  }
  trained.set_pipeline("churn@1");
  trained.set_state(pb::SUCCEEDED);
  ASSERT_TRUE(store->Update(trained).ok());
  pb::ListJobsRequest all;
  EXPECT_THAT(Listed(*store, all), ElementsAre("b", "a", "trained"));
  pb::ListJobsRequest by_kind;
  by_kind.add_kinds(pb::INSPECT);
  EXPECT_THAT(Listed(*store, by_kind), ElementsAre("b", "a"));
  pb::ListJobsRequest by_state;
  by_state.add_states(pb::SUCCEEDED);
  by_state.add_states(pb::FAILED);
  EXPECT_THAT(Listed(*store, by_state), ElementsAre("trained"));
  pb::ListJobsRequest by_name;
  by_name.set_pipeline("churn");
  EXPECT_THAT(Listed(*store, by_name), ElementsAre("trained"));
  by_name.add_kinds(pb::INSPECT);
  EXPECT_THAT(Listed(*store, by_name), ElementsAre());
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
  pb::ListJobsRequest request;
  request.set_page_size(2);
  const auto first = *store->List(request);
  ASSERT_EQ(first.jobs_size(), 2);
  EXPECT_EQ(first.jobs(0).id(), "c");
  request.set_page_token(first.next_page_token());
  const auto second = *store->List(request);
  ASSERT_EQ(second.jobs_size(), 1);
  EXPECT_EQ(second.jobs(0).id(), "a");
  EXPECT_EQ(second.next_page_token(), "");
}

TEST(JobStore, RefusesAPageTokenItDidNotMake) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto store = *JobStore::Open(database.get());
  pb::ListJobsRequest wrong;
  wrong.set_page_token("x");
  EXPECT_EQ(ReasonOf(store->List(wrong).status()), "BAD_SPEC");
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
  FakeClock clock;
  const auto database =
      *Database::Open(dir.path(), Database::Trust::kMarked, &clock);
  const auto store = *JobStore::Open(database.get());
  for (const std::string id : {"a", "b", "c"}) {
    pb::Job job = MakeJob(id);
    job.set_state(pb::FAILED);
    ASSERT_TRUE(store->Add(job).ok());
    clock.Advance(absl::Minutes(1));
  }
  ASSERT_TRUE(store->Add(MakeJob("d")).ok());
  EXPECT_THAT(*store->Expired(absl::Seconds(150), 9), ElementsAre("a"));
  EXPECT_THAT(*store->Expired(absl::Hours(1), 1), ElementsAre("a", "b"));
  EXPECT_THAT(*store->Expired(absl::Hours(1), 3), ElementsAre());
}

TEST(JobStore, CountsOnlyTimeThatWasLivedThrough) {
  TempDir dir;
  FakeClock clock;
  {
    const auto database =
        *Database::Open(dir.path(), Database::Trust::kMarked, &clock);
    const auto store = *JobStore::Open(database.get());
    pb::Job job = MakeJob("a");
    job.set_state(pb::FAILED);
    ASSERT_TRUE(store->Add(job).ok());
    clock.Advance(absl::Minutes(2));
    ASSERT_TRUE(store->Add(MakeJob("b")).ok());  // Writes it down.
  }
  clock.Advance(absl::Hours(24 * 40));  // Nobody ran.
  const auto database =
      *Database::Open(dir.path(), Database::Trust::kMarked, &clock);
  const auto store = *JobStore::Open(database.get());
  EXPECT_EQ(database->Lived(), absl::Minutes(2));
  EXPECT_THAT(*store->Expired(absl::Minutes(3), 9), ElementsAre());
  EXPECT_THAT(*store->Expired(absl::Minutes(1), 9), ElementsAre("a"));
  clock.Advance(absl::Hours(24 * 40));  // A jump, or a machine that slept.
  EXPECT_EQ(database->Lived(), absl::Minutes(7));
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

pb::SetLabelRequest LabelMoveOf(const std::string& pipeline,
                                const std::string& label) {
  pb::SetLabelRequest request;
  request.set_pipeline(pipeline);
  request.set_label(label);
  return request;
}

TEST(PipelineRegistry, ALabelPointsToAVersionAndKeepsItsHistory) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  PipelineRegistry registry(database.get());
  for (const char* name : {"p", "p", "q"})
    ASSERT_TRUE(registry.Register(NamedPipeline(name, "s"), "").ok());
  EXPECT_EQ(ReasonOf(registry.Get("p@champion").status()),
            "PIPELINE_NOT_FOUND");
  const int64_t changes = registry.changes();
  for (const char* version : {"p@2", "p@1", "p@1"})
    ASSERT_TRUE(registry
                    .SetLabel(LabelMoveOf(version, "champion"),
                              absl::FromUnixSeconds(7))
                    .ok());
  EXPECT_GT(registry.changes(), changes);
  EXPECT_EQ(registry.Get("p@champion")->version(), 1);
  EXPECT_EQ(registry.Get("p@1")->labels(0), "champion");
  EXPECT_EQ(registry.Get("p@2")->labels_size(), 0);
  EXPECT_EQ(ReasonOf(registry.Get("q@champion").status()),
            "PIPELINE_NOT_FOUND");
  EXPECT_EQ(ReasonOf(registry.Delete("p@1")), "PIPELINE_LABELLED");
  ASSERT_TRUE(registry.SetLabel(LabelMoveOf("p", "champion"), {}).ok());
  EXPECT_EQ(ReasonOf(registry.Get("p@champion").status()),
            "PIPELINE_NOT_FOUND");
  EXPECT_TRUE(registry.Delete("p@1").ok());
  const pb::ListLabelsResponse moves = *registry.Labels("p");
  ASSERT_EQ(moves.moves_size(), 3);
  EXPECT_EQ(moves.moves(0).version(), 0);
  EXPECT_EQ(moves.moves(1).version(), 1);
  EXPECT_EQ(moves.moves(1).time().seconds(), 7);
}

TEST(PipelineRegistry, RefusesLabelsThatAreNone) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  PipelineRegistry registry(database.get());
  ASSERT_TRUE(registry.Register(NamedPipeline("p", "s"), "").ok());
  for (const std::string& label :
       {std::string(), std::string("1"), std::string("A"), std::string("a b"),
        std::string(64, 'a')})
    EXPECT_EQ(ReasonOf(registry.SetLabel(LabelMoveOf("p@1", label), {})),
              "BAD_SPEC");
  EXPECT_EQ(ReasonOf(registry.SetLabel(LabelMoveOf("p@2", "a"), {})),
            "PIPELINE_NOT_FOUND");
  EXPECT_EQ(ReasonOf(registry.SetLabel(LabelMoveOf("p@a", "a"), {})),
            "BAD_SPEC");
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

pb::ListPipelinesResponse ListOf(PipelineRegistry& registry,
                                 const std::string& name, int page_size = 0,
                                 const std::string& token = "") {
  pb::ListPipelinesRequest request;
  request.set_name(name);
  request.set_page_size(page_size);
  request.set_page_token(token);
  return *registry.List(request);
}

TEST(PipelineRegistry, ListsTheNewestOfEachOrAllOfOne) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  PipelineRegistry registry(database.get());
  for (const std::string name : {"p", "q", "p"})
    ASSERT_TRUE(registry.Register(NamedPipeline(name, "s"), "").ok());
  const auto newest = ListOf(registry, "");
  ASSERT_EQ(newest.pipelines_size(), 2);
  EXPECT_EQ(newest.pipelines(0).version(), 2);
  EXPECT_EQ(newest.pipelines(0).hops(0).artifact(), "");
  EXPECT_EQ(ListOf(registry, "p").pipelines_size(), 2);
}

TEST(PipelineRegistry, ListsPageByPageAndEndsAPageThatGrowsLarge) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  PipelineRegistry registry(database.get());
  for (const std::string name : {"p", "q", "p", "r", "p"}) {
    pb::Pipeline pipeline = NamedPipeline(name, "s");
    pipeline.mutable_report()->add_warnings(std::string(600'000, 'w'));
    ASSERT_TRUE(registry.Register(pipeline, "").ok());
  }
  for (const std::string name : {"", "p"}) {
    auto page = ListOf(registry, name, 2);
    ASSERT_EQ(page.pipelines_size(), 2);
    page = ListOf(registry, name, 2, page.next_page_token());
    ASSERT_EQ(page.pipelines_size(), 1);
    EXPECT_EQ(VersionName(page.pipelines(0)), name.empty() ? "r@1" : "p@3");
    EXPECT_EQ(page.next_page_token(), "");
    EXPECT_EQ(ListOf(registry, name, 9).pipelines_size(), 2);  // 1 MiB.
  }
  pb::ListPipelinesRequest foreign;
  foreign.set_name("p");
  foreign.set_page_token("q@1");
  EXPECT_EQ(ReasonOf(registry.List(foreign).status()), "BAD_SPEC");
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
  for (const std::string text :
       {"", "@1", "p@", "p@0", "p@-1", "p@X", "p@1@2", "p@a@b", "p@a b"})
    EXPECT_EQ(ReasonOf(ParsePipelineName(text).status()), "BAD_SPEC") << text;
}

pb::UploadRequest Piece(const std::string& content) {
  pb::UploadRequest piece;
  piece.set_content(content);
  return piece;
}

// The last word of who sent `content`.
pb::UploadRequest LastWord(const std::string& content) {
  pb::UploadRequest piece;
  piece.mutable_end()->set_bytes(static_cast<int64_t>(content.size()));
  piece.mutable_end()->set_sha256(Sha256Hex(content));
  return piece;
}

// An empty upload, whole.
StoredUpload Sent(UploadStore& uploads, const std::string& name) {
  auto writer = *uploads.Begin(name);
  EXPECT_TRUE(writer->Take(LastWord("")).ok());
  return *writer->Finish();
}

TEST(UploadStore, KeepsWhatWasFinished) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  auto writer = *uploads->Begin("a.csv");
  ASSERT_TRUE(writer->Take(Piece("hel")).ok());
  ASSERT_TRUE(writer->Take(Piece("lo")).ok());
  ASSERT_TRUE(writer->Take(LastWord("hello")).ok());
  const auto stored = *writer->Finish();
  EXPECT_EQ(uploads->Get(stored.id)->name, "a.csv");
  EXPECT_EQ(*ReadFileRange(uploads->Get(stored.id)->path, 1, 99), "ello");
}

TEST(UploadStore, LeavesNothingOfAnUploadThatBroke) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  auto writer = *uploads->Begin("a.csv");
  ASSERT_TRUE(writer->Take(Piece("hello")).ok());
  writer.reset();
  EXPECT_TRUE(std::filesystem::is_empty(dir / "uploads"));
}

TEST(UploadStore, RefusesTooLargeUploads) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 4);
  auto writer = *uploads->Begin("a.csv");
  EXPECT_EQ(ReasonOf(writer->Take(Piece("hello"))), "UPLOAD_TOO_LARGE");
}

TEST(UploadStore, TakesNothingForWholeAgainstItsLastWord) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  pb::UploadRequest other = LastWord("hello");
  other.mutable_end()->set_sha256(Sha256Hex("hallo"));
  for (const auto& ends : std::vector<std::vector<pb::UploadRequest>>{
           {LastWord("hell")}, {other}}) {
    auto writer = *uploads->Begin("a.csv");
    ASSERT_TRUE(writer->Take(Piece("hello")).ok());
    for (const pb::UploadRequest& end : ends)
      ASSERT_TRUE(writer->Take(end).ok());
    EXPECT_EQ(ReasonOf(writer->Finish().status()), "UPLOAD_INCOMPLETE");
    writer.reset();
    EXPECT_TRUE(std::filesystem::is_empty(dir / "uploads"));
  }
}

TEST(UploadStore, TellsWhatCameWhereNoLastWordDid) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  auto writer = *uploads->Begin("a.csv");
  ASSERT_TRUE(writer->Take(Piece("hello")).ok());
  const auto stored = *writer->Finish();
  EXPECT_EQ(stored.bytes, 5);
  EXPECT_EQ(stored.sha256, Sha256Hex("hello"));
}

TEST(UploadStore, TakesNothingBehindTheLastWord) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  auto writer = *uploads->Begin("a.csv");
  ASSERT_TRUE(writer->Take(LastWord("")).ok());
  EXPECT_EQ(ReasonOf(writer->Take(Piece("x"))), "UPLOAD_INCOMPLETE");
}

TEST(UploadStore, FreesWhatAnIdleUploadHolds) {
  TempDir dir;
  FakeClock clock;
  const auto database =
      *Database::Open(dir.path(), Database::Trust::kMarked, &clock);
  const auto uploads = *UploadStore::Open(database.get(), 100);
  auto idle = *uploads->Begin("a.csv");
  ASSERT_TRUE(idle->Take(Piece("hello")).ok());
  clock.Advance(absl::Seconds(40));
  auto busy = *uploads->Begin("b.csv");
  ASSERT_TRUE(busy->Take(Piece("world")).ok());
  uploads->AbandonIdle(absl::Seconds(35));
  EXPECT_EQ(StateMeter::BytesOf(dir / "uploads"), 5);
  EXPECT_EQ(ReasonOf(idle->Take(LastWord("hello"))), "UPLOAD_IDLE");
  EXPECT_TRUE(busy->Take(LastWord("world")).ok());
  EXPECT_TRUE(busy->Finish().ok());
}

TEST(UploadStore, LeavesTheReserveAndStaysBelowTheLimit) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  StateMeter full(dir.path(), {.reserve_bytes = int64_t{1} << 60});
  StateMeter small(dir.path(), {.max_bytes = 4, .reserve_bytes = 0});
  const auto uploads = *UploadStore::Open(database.get(), 100, &small);
  EXPECT_EQ(ReasonOf((*uploads->Begin("a"))->Take(Piece("hello"))),
            "DISK_FULL");
  EXPECT_TRUE((*uploads->Begin("a"))->Take(Piece("hi")).ok());
  EXPECT_TRUE(full.RoomForUpload(1).ok());  // A tenth of the disk at most.
}

TEST(UploadStore, ListsAndDeletesWhatNoJobReads) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  const auto jobs = *JobStore::Open(database.get());
  const StoredUpload free = Sent(*uploads, "a"), used = Sent(*uploads, "b");
  const auto half = *uploads->Begin("c");
  pb::Job job = MakeJob("j");
  job.mutable_request()->set_upload(used.id);
  ASSERT_TRUE(jobs->Add(job).ok());
  pb::ListUploadsRequest request;
  request.set_page_size(1);
  std::vector<std::string> ids;
  do {
    const auto page = *uploads->List(request);
    ids.push_back(page.uploads(0).id());
    EXPECT_EQ(page.uploads(0).jobs_size(), page.uploads(0).id() == used.id);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, testing::UnorderedElementsAre(free.id, used.id));
  EXPECT_EQ(ReasonOf(uploads->Delete(used.id)), "UPLOAD_IN_USE");
  ASSERT_TRUE(uploads->Delete(free.id).ok());
  ASSERT_TRUE(CollectGarbage(*database).ok());
  EXPECT_FALSE(std::filesystem::exists(free.path));
  // A job that has succeeded needs it no more.
  job.set_state(pb::SUCCEEDED);
  ASSERT_TRUE(jobs->Update(job).ok());
  ASSERT_TRUE(CollectGarbage(*database).ok());
  EXPECT_FALSE(std::filesystem::exists(used.path));
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
  const auto upload = Sent(*uploads, "a");
  job.mutable_request()->set_upload(upload.id);
  ASSERT_TRUE(jobs->Add(job)->created);
  ASSERT_TRUE(uploads->ReleaseUnclaimed(-absl::Seconds(1)).ok());
  EXPECT_TRUE(uploads->Get(upload.id).ok());
}

TEST(UploadStore, RemovesWhatNobodyUsesAndKeepsWhatAJobClaimed) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  const auto used = Sent(*uploads, "a");
  const auto unused = Sent(*uploads, "b");
  ASSERT_TRUE(Claim(*database, used, "job").ok());
  ASSERT_TRUE(uploads->ReleaseUnclaimed(-absl::Seconds(1)).ok());
  EXPECT_TRUE(uploads->Get(used.id).ok());
  EXPECT_EQ(ReasonOf(uploads->Get(unused.id).status()), "UPLOAD_NOT_FOUND");
  ASSERT_TRUE(Release(*database, "job").ok());
  EXPECT_TRUE(std::filesystem::is_empty(dir / "uploads"));
}

TEST(UploadStore, KeepsWhatASecondJobUsesUntilBothAreDeleted) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto uploads = *UploadStore::Open(database.get(), 100);
  const auto shared = Sent(*uploads, "a");
  ASSERT_TRUE(Claim(*database, shared, "first").ok());
  ASSERT_TRUE(Claim(*database, shared, "second").ok());
  ASSERT_TRUE(Release(*database, "second").ok());
  ASSERT_TRUE(uploads->ReleaseUnclaimed(-absl::Seconds(1)).ok());
  EXPECT_TRUE(uploads->Get(shared.id).ok());
  EXPECT_TRUE(std::filesystem::exists(shared.path));
  ASSERT_TRUE(Release(*database, "first").ok());
  EXPECT_TRUE(std::filesystem::is_empty(dir / "uploads"));
}

}  // namespace
}  // namespace troupe
