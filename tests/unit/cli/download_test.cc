#include "client/cli/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "services/base/errors.h"
#include "services/host/sha256.h"
#include "tests/testing/fake_clock.h"
#include "tests/unit/cli/fake_coordinator_client.h"
#include "tests/unit/cli/temp_directory.h"

namespace troupe {
namespace {

// A finished job of two parts and, where `rejects` is given, its rejects.
struct Finished {
  FakeCoordinatorClient client;
  pb::Job job;
  FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  ProgressView progress{err, {true, false, 80}, clock};

  explicit Finished(const std::string& rejects = "") {
    job.set_id("j");
    pb::Manifest& manifest = *job.mutable_manifest();
    Add(*manifest.add_parts(), "part-0", "id,prediction\n1,a\n2,b\n", 2);
    Add(*manifest.add_parts(), "part-1", "3,c\n", 1);
    manifest.set_rows_ok(3);
    manifest.set_rows_read(rejects.empty() ? 3 : 4);
    if (rejects.empty()) return;
    manifest.set_rows_rejected(1);
    Add(*manifest.mutable_rejects(), "rejects", rejects, 1);
  }

  void Add(pb::Part& part, const std::string& name, const std::string& bytes,
           int64_t rows) {
    client.parts[name] = bytes;
    part.set_name(name);
    part.set_bytes(static_cast<int64_t>(bytes.size()));
    part.set_sha256(Sha256Hex(bytes));
    part.set_rows(rows);
  }

  absl::Status Save(const std::string& path) {
    auto target = OutputTarget::Create(path, out, Followed());
    if (!target.ok()) return target.status();
    return target->Fetch(client, job, progress);
  }
};

constexpr char kWhole[] = "id,prediction\n1,a\n2,b\n3,c\n";

TEST(Download, PutsThePartsTogether) {
  const TempDirectory directory;
  Finished finished;
  EXPECT_EQ(finished.Save(directory.Path("p.csv")), absl::OkStatus());
  EXPECT_EQ(directory.Read("p.csv"), kWhole);
  EXPECT_EQ(directory.Files(), 1u);
}

TEST(Download, WritesRejectsBesideTheOutput) {
  const TempDirectory directory;
  Finished finished("{\"row\": 3}\n");
  EXPECT_EQ(finished.Save(directory.Path("p.csv")), absl::OkStatus());
  EXPECT_EQ(directory.Read("p.csv.rejects.jsonl"), "{\"row\": 3}\n");
}

TEST(Download, RemovesTheRejectsOfAnEarlierRun) {
  const TempDirectory directory;
  directory.Write("p.csv.rejects.jsonl", "old");
  Finished finished;
  EXPECT_EQ(finished.Save(directory.Path("p.csv")), absl::OkStatus());
  EXPECT_EQ(directory.Read("p.csv.rejects.jsonl"), "(none)");
}

TEST(Download, GoesOnWhereAStreamBroke) {
  const TempDirectory directory;
  Finished finished;
  finished.client.breaks = 3;
  EXPECT_EQ(finished.Save(directory.Path("p.csv")), absl::OkStatus());
  EXPECT_EQ(directory.Read("p.csv"), kWhole);
}

TEST(Download, GivesUpWithoutProgress) {
  const TempDirectory directory;
  Finished finished;
  finished.client.breaks = 1000;
  EXPECT_TRUE(absl::IsUnavailable(finished.Save(directory.Path("p.csv"))));
  EXPECT_EQ(directory.Files(), 0u);
}

// Whatever differs from the manifest, the old output stays and nothing is left
// beside it.
class DownloadOfCorruptOutput : public testing::TestWithParam<std::string> {};

TEST_P(DownloadOfCorruptOutput, PublishesNothing) {
  const TempDirectory directory;
  directory.Write("p.csv", "old");
  Finished finished("{}\n");
  finished.client.parts["part-1"] = GetParam();
  EXPECT_EQ(ReasonOf(finished.Save(directory.Path("p.csv"))), "OUTPUT_CORRUPT");
  EXPECT_EQ(directory.Read("p.csv"), "old");
  EXPECT_EQ(directory.Files(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Each, DownloadOfCorruptOutput,
                         testing::Values("3,d\n", "3,c", "3,c\n4,d\n", ""));

TEST(Download, RefusesCorruptRejects) {
  const TempDirectory directory;
  Finished finished("{}\n");
  finished.client.parts["rejects"] = "[]\n";
  EXPECT_EQ(ReasonOf(finished.Save(directory.Path("p.csv"))), "OUTPUT_CORRUPT");
  EXPECT_EQ(directory.Files(), 0u);
}

TEST(Download, RefusesAManifestThatLosesRows) {
  const TempDirectory directory;
  Finished finished;
  finished.job.mutable_manifest()->set_rows_read(4);
  EXPECT_EQ(ReasonOf(finished.Save(directory.Path("p.csv"))), "OUTPUT_CORRUPT");
}

TEST(Download, WritesToStandardOutputOnlyWhatIsWhole) {
  Finished finished;
  EXPECT_EQ(finished.Save("-"), absl::OkStatus());
  EXPECT_EQ(finished.out.str(), kWhole);
  Finished corrupt;
  corrupt.client.parts["part-1"] = "x";
  EXPECT_FALSE(corrupt.Save("-").ok());
  EXPECT_EQ(corrupt.out.str(), "");
}

TEST(Download, KeepsASymbolicLink) {
  const TempDirectory directory;
  directory.Write("real.csv", "old");
  std::filesystem::create_symlink("real.csv", directory.Path("link.csv"));
  Finished finished;
  EXPECT_EQ(finished.Save(directory.Path("link.csv")), absl::OkStatus());
  EXPECT_TRUE(std::filesystem::is_symlink(directory.Path("link.csv")));
  EXPECT_EQ(directory.Read("real.csv"), kWhole);
}

TEST(Download, DoesNotReplaceADevice) {
  Finished finished("{}\n");
  EXPECT_EQ(finished.Save("/dev/null"), absl::OkStatus());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(Download, RefusesATargetThatCannotBeWritten) {
  const TempDirectory directory;
  Finished finished;
  EXPECT_EQ(ReasonOf(finished.Save(directory.Path("none/p.csv"))),
            "BAD_OUTPUT");
  EXPECT_EQ(ReasonOf(finished.Save(directory.Path(""))), "BAD_OUTPUT");
  EXPECT_TRUE(finished.client.calls.empty());
}

TEST(Followed, RemovesFilesAndSaysHowToFindTheJob) {
  const TempDirectory directory;
  directory.Write("half", "x");
  Followed followed;
  followed.AddFile(directory.Path("half"));
  EXPECT_EQ(followed.Abandon(), "");
  EXPECT_EQ(directory.Files(), 0u);
  followed.SetJob("j1");
  EXPECT_THAT(followed.Abandon(), testing::HasSubstr("troupe cancel j1"));
}

}  // namespace
}  // namespace troupe
