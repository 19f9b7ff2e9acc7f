// Which databases a state directory takes, and which it refuses.
#include "client/coordinator/state/database.h"

#include <filesystem>
#include <fstream>

#include "client/coordinator/state/job_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "tests/testing/temp_dir.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Lives once in `directory`, and records a job.
void Live(const std::string& directory, const std::string& job) {
  const auto database = *Database::Open(directory);
  const auto jobs = *JobStore::Open(database.get());
  pb::Job recorded;
  recorded.set_id(job);
  ASSERT_TRUE(jobs->Add(recorded).ok());
  fs::create_directories(directory + "/output/" + job);
}

std::string Refusal(const std::string& directory) {
  return ReasonOf(Database::Open(directory).status());
}

void CopyDatabase(const std::string& from, const std::string& to) {
  fs::copy_file(from + "/troupe.db", to + "/troupe.db",
                fs::copy_options::overwrite_existing);
}

TEST(StoreIdentity, GoesOnWithItsOwnDatabase) {
  TempDir dir;
  Live(dir.path(), "a");
  Live(dir.path(), "b");
  EXPECT_EQ(Refusal(dir.path()), "");
}

TEST(StoreIdentity, RefusesAMissingOrEmptyDatabaseAndLeavesItSo) {
  TempDir dir;
  Live(dir.path(), "a");
  fs::remove(dir / "troupe.db");
  const auto refused = Database::Open(dir.path());
  EXPECT_EQ(ReasonOf(refused.status()), "DATABASE_MISSING");
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("--accept_state"));
  EXPECT_FALSE(fs::exists(dir / "troupe.db"));
  std::ofstream(dir / "troupe.db");
  EXPECT_EQ(Refusal(dir.path()), "DATABASE_MISSING");
  fs::remove(dir / "troupe.mark");
  EXPECT_EQ(Refusal(dir.path()), "DATABASE_MISSING");
}

TEST(StoreIdentity, RefusesAnotherDirectorysDatabase) {
  TempDir mine, other;
  Live(mine.path(), "a");
  Live(other.path(), "b");
  CopyDatabase(other.path(), mine.path());
  EXPECT_EQ(Refusal(mine.path()), "DATABASE_FOREIGN");
  CopyDatabase(mine.path(), other.path());
  fs::remove(other / "troupe.mark");
  EXPECT_EQ(Refusal(other.path()), "DATABASE_FOREIGN");
}

TEST(StoreIdentity, RefusesAnOlderDatabase) {
  TempDir dir, saved;
  Live(dir.path(), "a");
  CopyDatabase(dir.path(), saved.path());
  Live(dir.path(), "b");
  CopyDatabase(saved.path(), dir.path());
  const auto refused = Database::Open(dir.path());
  EXPECT_EQ(ReasonOf(refused.status()), "DATABASE_BEHIND");
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("lacks 2 of the commits"));
}

TEST(StoreIdentity, RefusesALogWhoseEndIsDamagedAndLeavesItSo) {
  TempDir dir, dead;
  {
    const auto database = *Database::Open(dir.path());
    const auto jobs = *JobStore::Open(database.get());
    pb::Job job;
    job.set_id("a");
    ASSERT_TRUE(jobs->Add(job).ok());
    // As a power failure finds them.
    for (const char* name : {"/troupe.db", "/troupe.db-wal", "/troupe.mark"})
      fs::copy_file(dir.path() + name, dead.path() + name);
  }
  const std::string log = dead / "troupe.db-wal";
  const auto bytes = fs::file_size(log);
  fs::resize_file(log, bytes - 1);
  EXPECT_EQ(Refusal(dead.path()), "DATABASE_BEHIND");
  EXPECT_EQ(fs::file_size(log), bytes - 1);
  EXPECT_EQ(Refusal(dead.path()), "DATABASE_BEHIND");
}

TEST(StoreIdentity, RefusesAMarkThatCannotBeReadAndTakesOneThatIsTorn) {
  TempDir dir;
  Live(dir.path(), "a");
  std::fstream(dir / "troupe.mark", std::ios::in | std::ios::out) << "torn";
  EXPECT_EQ(Refusal(dir.path()), "");  // The other slot, or a newer database.
  std::ofstream(dir / "troupe.mark") << "nothing of ours";
  EXPECT_EQ(Refusal(dir.path()), "JOURNAL_DAMAGED");
}

TEST(StoreIdentity, TakesAnythingWhenTheUserSaysSo) {
  TempDir dir, saved;
  Live(dir.path(), "a");
  CopyDatabase(dir.path(), saved.path());
  Live(dir.path(), "b");
  CopyDatabase(saved.path(), dir.path());
  EXPECT_TRUE(Database::Open(dir.path(), Database::Trust::kAnything).ok());
  EXPECT_EQ(Refusal(dir.path()), "");  // Once is enough.
  fs::remove(dir / "troupe.db");
  EXPECT_TRUE(Database::Open(dir.path(), Database::Trust::kAnything).ok());
  EXPECT_EQ(Refusal(dir.path()), "");
}

TEST(Database, BeginsEachLifeWithAnEmptyLog) {
  TempDir dir, dead;
  {
    const auto database = *Database::Open(dir.path());
    const auto jobs = *JobStore::Open(database.get());
    pb::Job job;
    job.set_id("a");
    ASSERT_TRUE(jobs->Add(job).ok());
    for (const char* name : {"/troupe.db", "/troupe.db-wal", "/troupe.mark"})
      fs::copy_file(dir.path() + name, dead.path() + name);
  }
  ASSERT_GT(fs::file_size(dead / "troupe.db-wal"), 0u);
  const auto database = *Database::Open(dead.path());
  std::error_code none;
  EXPECT_LE(static_cast<int64_t>(fs::file_size(dead / "troupe.db-wal", none)),
            0);
  // What was in it is in the file alone.
  fs::copy_file(dead / "troupe.db", dir / "troupe.db",
                fs::copy_options::overwrite_existing);
  const auto copy = *Database::Open(dir.path());
  EXPECT_TRUE((*JobStore::Open(copy.get()))->Get("a").ok());
}

TEST(Database, KeepsItsLogShort) {
  TempDir dir;
  const auto database = *Database::Open(dir.path());
  const auto jobs = *JobStore::Open(database.get());
  pb::Job job;
  job.set_state_message(std::string(100'000, 'x'));
  for (int i = 0; i < 120; ++i) {
    job.set_id(std::to_string(i));
    ASSERT_TRUE(jobs->Add(job).ok());
  }
  EXPECT_LT(fs::file_size(dir / "troupe.db-wal"), 6'000'000u);
  EXPECT_GT(fs::file_size(dir / "troupe.db"), 6'000'000u);
}

TEST(Database, GivesBackWhatItNoLongerNeeds) {
  TempDir dir;
  auto database = *Database::Open(dir.path());
  auto jobs = *JobStore::Open(database.get());
  pb::Job job;
  job.set_state_message(std::string(100'000, 'x'));
  for (int i = 0; i < 60; ++i) {
    job.set_id(std::to_string(i));
    ASSERT_TRUE(jobs->Add(job).ok());
  }
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(jobs->Delete(std::to_string(i)).ok());
  ASSERT_TRUE(database->Shrink().ok());
  jobs.reset();
  database.reset();
  EXPECT_LT(fs::file_size(dir / "troupe.db"), 2'000'000u);
}

}  // namespace
}  // namespace troupe
