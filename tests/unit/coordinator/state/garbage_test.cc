// What is removed, what is moved, and what stays.
#include "client/coordinator/state/garbage.h"

#include <filesystem>
#include <fstream>

#include "client/coordinator/state/job_store.h"
#include "client/coordinator/state/journal.h"
#include "client/coordinator/state/pipeline_registry.h"
#include "client/coordinator/state/upload_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/host/sha256.h"
#include "tests/testing/temp_dir.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

struct House {
  House() {
    fs::create_directory(dir / "output");
    pb::Job job;
    job.set_id("j");
    EXPECT_TRUE(jobs->Add(job).ok());
  }
  std::string Lay(const std::string& name) {
    fs::create_directories(fs::path(dir / name).parent_path());
    std::ofstream(dir / name) << "text";
    return dir / name;
  }
  bool Has(const std::string& name) { return fs::exists(dir / name); }

  TempDir dir;
  std::unique_ptr<Database> database = *Database::Open(dir.path());
  std::unique_ptr<JobStore> jobs = *JobStore::Open(database.get());
  std::unique_ptr<UploadStore> uploads =
      *UploadStore::Open(database.get(), 1000);
  ArtifactStore artifacts = *ArtifactStore::Open(dir / "artifacts");
  Journal journal{database.get(), 1};
  PipelineRegistry pipelines{database.get()};
};

pb::Pipeline VersionOf(const std::string& artifact) {
  pb::Pipeline pipeline;
  pipeline.set_name("p");
  pipeline.add_hops()->set_artifact(artifact);
  return pipeline;
}

TEST(RescueOrphans, MovesWhatNoTableKnowsAndRemovesNothing) {
  House house;
  for (const char* name :
       {"output/j/part", "output/j.tmp/part", "output/0123456789ab/part",
        "output/0123456789ab.tmp/part", "uploads/0123456789ab",
        "artifacts/stranger"})
    house.Lay(name);
  ASSERT_TRUE(RescueOrphans(*house.database).ok());
  EXPECT_TRUE(house.Has("output/j/part"));
  EXPECT_TRUE(house.Has("output/j.tmp/part"));
  EXPECT_TRUE(house.Has("output/0123456789ab/part"));  // Published.
  EXPECT_TRUE(house.Has("lost+found/output-0123456789ab.tmp/part"));
  EXPECT_TRUE(house.Has("lost+found/uploads-0123456789ab"));
  EXPECT_TRUE(house.Has("lost+found/artifacts-stranger"));
  house.Lay("uploads/0123456789ab");
  ASSERT_TRUE(RescueOrphans(*house.database).ok());
  EXPECT_TRUE(house.Has("lost+found/uploads-0123456789ab.1"));
}

TEST(CollectGarbage, RemovesADeletedJobsOutputAlsoAfterACrashBetween) {
  House house;
  house.Lay("output/j/part");
  house.Lay("output/j.tmp/part");
  ASSERT_TRUE(house.jobs->Delete("j").ok());
  // Here the process died; the next start is no finder of orphans.
  ASSERT_TRUE(RescueOrphans(*house.database).ok());
  EXPECT_FALSE(house.Has("lost+found"));
  EXPECT_EQ(*CollectGarbage(*house.database), 2);
  EXPECT_FALSE(house.Has("output/j"));
  EXPECT_FALSE(house.Has("output/j.tmp"));
  EXPECT_EQ(*CollectGarbage(*house.database), 0);
}

TEST(CollectGarbage, NeverRemovesForAJobThatIsNotThere) {
  House house;
  house.Lay("output/k/part");
  ASSERT_TRUE(house.jobs->Delete("k").ok());
  ASSERT_TRUE(house.jobs->Delete("../output/k").ok());
  EXPECT_EQ(*CollectGarbage(*house.database), 0);
  EXPECT_TRUE(house.Has("output/k/part"));
}

TEST(CollectGarbage, RemovesUploadsThatADeadProcessWasTaking) {
  House house;
  auto writer = *house.uploads->Begin("a");
  pb::UploadRequest end;
  end.mutable_end()->set_sha256(Sha256Hex(""));
  ASSERT_TRUE(writer->Take(end).ok());
  const auto whole = *writer->Finish();
  auto half = *house.uploads->Begin("b");
  end.Clear();
  end.set_content("hello");
  ASSERT_TRUE(half->Take(end).ok());
  const auto again = *UploadStore::Open(house.database.get(), 1000);
  ASSERT_TRUE(RescueOrphans(*house.database).ok());
  EXPECT_EQ(*CollectGarbage(*house.database), 1);
  EXPECT_TRUE(again->Get(whole.id).ok());
  EXPECT_TRUE(fs::exists(whole.path));
  EXPECT_FALSE(house.Has("lost+found"));
}

TEST(CollectArtifacts, KeepsWhatStepsAndVersionsName) {
  House house;
  const std::string step = *house.artifacts.Put("step");
  const std::string version = *house.artifacts.Put("version");
  const std::string fresh = *house.artifacts.Put("fresh");
  pb::FinishedStep content;
  content.set_state(step);
  ASSERT_TRUE(house.journal.FinishStep("j", "fit", content).ok());
  ASSERT_TRUE(house.pipelines.Register(VersionOf(version), "").ok());
  ASSERT_TRUE(CollectArtifacts(*house.database, house.artifacts).ok());
  for (const std::string& sha256 : {step, version, fresh})
    EXPECT_TRUE(house.artifacts.Contains(sha256));
  ASSERT_TRUE(house.journal.ForgetSteps("j").ok());
  ASSERT_TRUE(house.pipelines.Delete("p@1").ok());
  ASSERT_TRUE(CollectArtifacts(*house.database, house.artifacts).ok());
  EXPECT_FALSE(house.artifacts.Contains(step));
  EXPECT_FALSE(house.artifacts.Contains(version));
  EXPECT_TRUE(house.artifacts.Contains(fresh));
}

TEST(CollectArtifacts, KeepsWhatIsPutAgainWhileItWasGarbage) {
  House house;
  const std::string sha256 = *house.artifacts.Put("same");
  ASSERT_TRUE(house.pipelines.Register(VersionOf(sha256), "").ok());
  ASSERT_TRUE(CollectArtifacts(*house.database, house.artifacts).ok());
  ASSERT_TRUE(house.pipelines.Delete("p@1").ok());
  ASSERT_TRUE(house.artifacts.Put("same").ok());  // Another job, just now.
  ASSERT_TRUE(CollectArtifacts(*house.database, house.artifacts).ok());
  EXPECT_TRUE(house.artifacts.Contains(sha256));
}

}  // namespace
}  // namespace troupe
