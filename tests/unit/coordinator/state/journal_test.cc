#include "client/coordinator/state/journal.h"

#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "client/coordinator/state/job_store.h"
#include "client/coordinator/state/pipeline_registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "tests/testing/temp_dir.h"

namespace troupe {
namespace {

// A journal with one job, "j".
struct Office {
  Office() {
    pb::Job job;
    job.set_id("j");
    EXPECT_TRUE(jobs->Add(job).ok());
  }
  TempDir dir;
  std::unique_ptr<Database> database = *Database::Open(dir.path());
  std::unique_ptr<JobStore> jobs = *JobStore::Open(database.get());
  Journal journal{database.get(), 7};
};

pb::PlanResponse Page(int64_t first, int64_t count) {
  pb::PlanResponse page;
  for (int64_t i = 0; i < count; ++i) {
    pb::Split& split = *page.add_splits();
    split.set_number(first + i);
    split.set_offset(100 * (first + i));
  }
  page.set_next_cursor("cursor " + std::to_string(first));
  return page;
}

pb::JournalBatch Place(int64_t number, int64_t end) {
  pb::JournalBatch batch;
  batch.mutable_split()->set_number(number);
  batch.set_part_end(end);
  return batch;
}

TEST(Journal, RemembersHowFarPlanningGot) {
  Office office;
  EXPECT_FALSE(office.journal.Planned("j")->has_value());
  ASSERT_TRUE(office.journal.AddPage("j", Page(0, 3)).ok());
  ASSERT_TRUE(office.journal.AddPage("j", Page(3, 2)).ok());
  EXPECT_EQ((*office.journal.Planned("j"))->page().next_cursor(), "cursor 3");
  ASSERT_EQ(office.journal.Splits("j", 0)->size(), 5u);
  EXPECT_EQ(office.journal.Splits("j", 4)->at(0).offset(), 400);
}

TEST(Journal, GathersTheDigestsOfAllPages) {
  Office office;
  pb::PlanResponse page = Page(0, 1);
  page.add_digests()->set_path("a.csv");
  ASSERT_TRUE(office.journal.AddPage("j", page).ok());
  page = Page(1, 1);
  page.add_digests()->set_path("b.csv");
  ASSERT_TRUE(office.journal.AddPage("j", page).ok());
  const auto planned = *office.journal.Planned("j");
  ASSERT_EQ(planned->page().digests_size(), 2);
  EXPECT_EQ(planned->page().digests(0).path(), "a.csv");
}

TEST(Journal, KeepsALongCursorAsItChanges) {
  Office office;
  for (const size_t bytes : {9000u, 9000u, 3u, 12'000u, 0u}) {
    pb::PlanResponse page = Page(0, 0);
    page.set_next_cursor(std::string(bytes / 2, 'f') +
                         std::string(bytes - bytes / 2, "abc"[bytes % 3]));
    ASSERT_TRUE(office.journal.AddPage("j", page).ok());
    EXPECT_EQ((*office.journal.Planned("j"))->page().next_cursor(),
              page.next_cursor());
  }
}

// Bytes that this process wrote so far.
int64_t Written() {
  std::ifstream io("/proc/self/io");
  std::string name;
  int64_t bytes = 0;
  while (io >> name >> bytes)
    if (name == "wchar:") return bytes;
  return 0;
}

// What is written for pages of 50 files whose cursor names all files, as a
// loader's does.
int64_t BytesOfAPlan(int files) {
  Office office;
  const int64_t before = Written();
  for (int first = 0; first < files; first += 50) {
    pb::PlanResponse page = Page(first, 50);
    for (int i = first; i < first + 50; ++i)
      page.add_digests()->set_sha256(std::string(64, 'a'));
    page.set_next_cursor(std::string(100u * static_cast<unsigned>(files), 'f') +
                         std::to_string(first));
    EXPECT_TRUE(office.journal.AddPage("j", page).ok());
  }
  return Written() - before;
}

TEST(Journal, GrowsNoFasterThanTheFiles) {
  const int64_t few = BytesOfAPlan(500);
  EXPECT_LT(BytesOfAPlan(2000), 6 * few);
}

TEST(Journal, RefusesSplitsOutOfTheirOrder) {
  Office office;
  EXPECT_FALSE(office.journal.AddPage("j", Page(1, 1)).ok());
  EXPECT_FALSE(office.journal.Planned("j")->has_value());
}

TEST(Journal, RefusesBatchesOfAnUnknownJob) {
  Office office;
  EXPECT_FALSE(office.journal.AddPage("nobody", Page(0, 1)).ok());
}

TEST(Journal, ReturnsCommittedBatchesWithTheirBoundaries) {
  Office office;
  ASSERT_TRUE(office.journal.AddPage("j", Page(0, 3)).ok());
  ASSERT_TRUE(office.journal.Commit("j", {Place(0, 10), Place(1, 20)}).ok());
  const auto committed = *office.journal.Committed("j");
  ASSERT_EQ(committed.size(), 2u);
  EXPECT_EQ(committed[1].part_end(), 20);
  EXPECT_EQ(committed[1].split().offset(), 100);
  EXPECT_EQ(committed[1].epoch(), 7);
}

TEST(Journal, CommitsAllOfSeveralBatchesOrNone) {
  Office office;
  ASSERT_TRUE(office.journal.AddPage("j", Page(0, 1)).ok());
  EXPECT_EQ(ReasonOf(office.journal.Commit("j", {Place(0, 1), Place(1, 2)})),
            "JOURNAL_DAMAGED");
  EXPECT_TRUE(office.journal.Committed("j")->empty());
}

TEST(Journal, DoesUncommittedBatchesAgainWithTheSameBoundaries) {
  Office office;
  ASSERT_TRUE(office.journal.AddPage("j", Page(0, 3)).ok());
  ASSERT_TRUE(
      office.journal.Commit("j", {Place(0, 1), Place(1, 2), Place(2, 3)}).ok());
  ASSERT_TRUE(office.journal.Uncommit("j", 1).ok());
  EXPECT_EQ(office.journal.Committed("j")->size(), 1u);
  EXPECT_EQ(office.journal.Splits("j", 1)->at(1).offset(), 200);
}

TEST(Journal, ShowsBatchesPageByPageAndEventsOnce) {
  Office office;
  ASSERT_TRUE(office.journal.AddPage("j", Page(0, 3)).ok());
  ASSERT_TRUE(office.journal.Commit("j", {Place(0, 1)}).ok());
  ASSERT_TRUE(
      office.journal.AddEvent("j", absl::UnixEpoch(), "RUNNING", "").ok());
  pb::GetJournalRequest request;
  request.set_id("j");
  request.set_page_size(2);
  const pb::Journal first = *office.journal.Show(request);
  EXPECT_EQ(first.batches_size(), 2);
  EXPECT_EQ(first.committed_batches(), 1);
  EXPECT_EQ(first.events(0).kind(), "RUNNING");
  request.set_page_token(first.next_page_token());
  const pb::Journal second = *office.journal.Show(request);
  EXPECT_EQ(second.batches(0).split().number(), 2);
  EXPECT_EQ(second.events_size(), 0);
  EXPECT_EQ(second.next_page_token(), "");
}

TEST(Journal, KeepsTheNewestThousandEvents) {
  Office office;
  for (int i = 0; i < 1003; ++i)
    ASSERT_TRUE(
        office.journal.AddEvent("j", absl::UnixEpoch(), std::to_string(i), "")
            .ok());
  pb::GetJournalRequest request;
  request.set_id("j");
  const pb::Journal journal = *office.journal.Show(request);
  ASSERT_EQ(journal.events_size(), 1000);
  EXPECT_EQ(journal.events(0).kind(), "3");
}

TEST(Journal, GoesWithItsJob) {
  Office office;
  ASSERT_TRUE(office.journal.AddPage("j", Page(0, 3)).ok());
  ASSERT_TRUE(office.jobs->Delete("j").ok());
  EXPECT_FALSE(office.journal.Planned("j")->has_value());
}

TEST(Journal, NoticesAnEntryThatChanged) {
  Office office;
  ASSERT_TRUE(office.journal.AddPage("j", Page(0, 1)).ok());
  ASSERT_TRUE(office.database
                  ->Run([](Connection& connection) {
                    return connection.Execute(
                        "UPDATE batches SET batch ="
                        " CAST(batch || x'00' AS BLOB)");
                  })
                  .ok());
  EXPECT_EQ(ReasonOf(office.journal.Splits("j", 0).status()),
            "JOURNAL_DAMAGED");
}

TEST(Journal, NoticesMissingBatches) {
  Office office;
  ASSERT_TRUE(office.journal.AddPage("j", Page(0, 2)).ok());
  ASSERT_TRUE(office.database
                  ->Run([](Connection& connection) {
                    return connection.Execute(
                        "DELETE FROM batches WHERE number = 0");
                  })
                  .ok());
  EXPECT_EQ(ReasonOf(office.journal.Planned("j").status()), "JOURNAL_DAMAGED");
  EXPECT_EQ(ReasonOf(office.journal.Splits("j", 0).status()),
            "JOURNAL_DAMAGED");
}

TEST(Database, NamesADamagedFile) {
  TempDir dir;
  { ASSERT_TRUE(Database::Open(dir.path()).ok()); }
  std::ofstream(dir / "troupe.db", std::ios::in) << "not a database at all";
  EXPECT_EQ(ReasonOf(Database::Open(dir.path()).status()), "JOURNAL_DAMAGED");
}

TEST(Database, RefusesWhatANewerCoordinatorWrote) {
  TempDir dir;
  {
    const auto database = *Database::Open(dir.path());
    ASSERT_TRUE(database
                    ->Run([](Connection& connection) {
                      return connection.Execute("PRAGMA user_version = 99");
                    })
                    .ok());
  }
  EXPECT_EQ(ReasonOf(Database::Open(dir.path()).status()), "STATE_TOO_NEW");
}

// What version 1 wrote: no journal, bare blobs.
TEST(Database, UpgradesTheFirstVersion) {
  TempDir dir;
  pb::Job job;
  job.set_id("old");
  job.set_state(pb::SUCCEEDED);
  job.set_kind(pb::SCORE);
  job.set_pipeline("churn@2");
  {
    const auto database = *Database::Open(dir.path());
    const absl::Status downgraded =
        database->Run([&](Connection& connection) -> absl::Status {
          for (const char* sql :
               {"DROP TABLE batches", "DROP TABLE plans", "DROP TABLE steps",
                "DROP TABLE events", "DROP TABLE pipelines",
                "CREATE TABLE pipelines (name TEXT NOT NULL, version INTEGER"
                " NOT NULL, pipeline BLOB NOT NULL, PRIMARY KEY (name,"
                " version))",
                "CREATE TABLE batches (job TEXT, number INTEGER)"}) {
            const absl::Status done = connection.Execute(sql);
            if (!done.ok()) return done;
          }
          Statement insert = *connection.Prepare(
              "INSERT INTO jobs VALUES (1, 'old', '', 1, x'', 6, 1, ?, 0, 1,"
              " '')");
          return insert.BindBytes(job.SerializeAsString()).Execute();
        });
    ASSERT_TRUE(downgraded.ok()) << downgraded;
  }
  sqlite3* handle = nullptr;
  sqlite3_open((dir / "troupe.db").c_str(), &handle);
  sqlite3_exec(handle,
               "DROP TABLE store; DROP TABLE garbage; DROP TABLE artifacts;"
               "DROP TABLE artifact_uses; DROP TABLE uploads;"
               "DROP TABLE upload_claims; DROP INDEX jobs_by_end;"
               "DROP INDEX jobs_by_age; DROP TABLE plan_cursors;"
               "DROP INDEX jobs_by_kind; DROP INDEX jobs_by_state;"
               "DROP INDEX jobs_by_name; ALTER TABLE jobs DROP COLUMN name;"
               "DROP TABLE plan_digests; DROP TABLE labels;"
               "ALTER TABLE jobs RENAME COLUMN ended_at TO end_time; PRAGMA "
               "user_version = 1",
               nullptr, nullptr, nullptr);
  sqlite3_close(handle);
  std::filesystem::remove(dir / "troupe.mark");
  const auto database = Database::Open(dir.path());
  ASSERT_TRUE(database.ok()) << database.status();
  const auto jobs = *JobStore::Open(database->get());
  EXPECT_EQ(jobs->Get("old")->state(), pb::SUCCEEDED);
  pb::ListJobsRequest of_churn;
  of_churn.set_pipeline("churn");
  EXPECT_EQ(jobs->List(of_churn)->jobs_size(), 1);
  Journal journal(database->get(), jobs->epoch());
  EXPECT_TRUE(journal.AddPage("old", Page(0, 1)).ok());
}

TEST(Database, UpgradesTheThirdVersion) {
  TempDir dir;
  {
    const auto database = *Database::Open(dir.path());
    ASSERT_TRUE(database
                    ->Run([](Connection& connection) {
                      return connection.Execute(
                          "DROP INDEX jobs_by_kind; DROP INDEX jobs_by_state;"
                          "DROP INDEX jobs_by_name;"
                          "ALTER TABLE jobs DROP COLUMN name;"
                          "DROP TABLE labels; PRAGMA user_version = 3");
                    })
                    .ok());
  }
  const auto database = Database::Open(dir.path());
  ASSERT_TRUE(database.ok()) << database.status();
  EXPECT_EQ(PipelineRegistry(database->get()).Labels("p")->moves_size(), 0);
}

}  // namespace
}  // namespace troupe
