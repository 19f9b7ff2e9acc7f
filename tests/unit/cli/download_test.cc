#include "client/cli/download.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include "client/cli/compressor.h"
#include "client/cli/file_chunks.h"
#include "services/base/boot_id.h"
#include "services/base/errors.h"
#include "services/host/sha256.h"
#include "services/table/file_names.h"
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

  absl::Status Save(const std::string& path, const std::string& to = "") {
    auto target = OutputTarget::Create(path, to, out, Followed());
    if (!target.ok()) return target.status();
    return target->Fetch(client, job, progress);
  }
  // The same of a job that is known beforehand.
  absl::Status SaveJob(const std::string& path) {
    auto target = OutputTarget::Create(path, "", out, Followed(), &job);
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

// A job whose output is one part, which lies in `directory` as "part" and was
// written after the target was made.
struct Shareable {
  explicit Shareable(const TempDirectory& directory,
                     const std::string& name = "p.csv")
      : target(*OutputTarget::Create(directory.Path(name), "", finished.out,
                                     Followed())),
        part(directory.Write("part", kWhole)) {
    pb::Manifest& manifest = *finished.job.mutable_manifest();
    manifest.clear_parts();
    finished.Add(*manifest.add_parts(), "part-0", kWhole, 3);
    Tell();
  }
  // Says where the part lies.
  void Tell() {
    struct stat found = {};
    stat(part.c_str(), &found);
    place().set_path(part);
    place().set_device(found.st_dev);
    place().set_inode(found.st_ino);
    place().set_boot(BootId());
  }
  pb::OutputPlace& place() { return finished.client.places["part-0"]; }
  absl::Status Fetch() {
    return target.Fetch(finished.client, finished.job, finished.progress);
  }

  Finished finished;
  OutputTarget target;
  std::string part;
};

bool TellsBirth(const std::string& path) {
  struct statx found = {};
  return statx(AT_FDCWD, path.c_str(), 0, STATX_BTIME, &found) == 0 &&
         (found.stx_mask & STATX_BTIME) != 0;
}

TEST(Download, GivesAFileOnThisMachineASecondName) {
  const TempDirectory directory;
  Shareable job(directory);
  if (!TellsBirth(job.part)) GTEST_SKIP() << "no birth times here";
  const mode_t masked = umask(022);
  chmod(job.part.c_str(), 0600);
  EXPECT_EQ(job.Fetch(), absl::OkStatus());
  umask(masked);
  struct stat found = {};
  ASSERT_EQ(stat(directory.Path("p.csv").c_str(), &found), 0);
  EXPECT_EQ(found.st_ino, job.place().inode());
  EXPECT_EQ(found.st_mode & 0777, 0644u);
  EXPECT_EQ(directory.Files(), 2u);
  EXPECT_THAT(job.finished.client.calls,
              testing::ElementsAre("LocateOutput j part-0"));
}

// What is not certainly the same file is read, and then it is another one.
class DownloadOfAnother
    : public testing::TestWithParam<std::function<void(Shareable&)>> {};

TEST_P(DownloadOfAnother, Copies) {
  const TempDirectory directory;
  Shareable job(directory);
  GetParam()(job);
  EXPECT_EQ(job.Fetch(), absl::OkStatus());
  EXPECT_EQ(directory.Read("p.csv"), kWhole);
  EXPECT_EQ(std::filesystem::hard_link_count(directory.Path("p.csv")), 1u);
  for (const auto& left :
       std::filesystem::directory_iterator(directory.Path("")))
    EXPECT_NE(left.path().extension(), ".troupe-partial");
}

INSTANTIATE_TEST_SUITE_P(
    Each, DownloadOfAnother,
    testing::Values([](Shareable& job) { job.place().set_boot("another"); },
                    [](Shareable& job) { job.place().clear_boot(); },
                    [](Shareable& job) {
                      job.place().set_path(job.part + "2");
                    },
                    [](Shareable& job) { job.place().set_device(1); },
                    [](Shareable& job) { job.place().set_inode(1); },
                    [](Shareable& job) { std::ofstream(job.part) << "1"; },
                    [](Shareable& job) { job.finished.client.places.clear(); },
                    [](Shareable& job) {
                      std::filesystem::rename(job.part, job.part + "2");
                      std::filesystem::create_symlink(job.part + "2", job.part);
                    }));

// Nobody who plays a coordinator gets the user to share what he had before.
TEST(Download, SharesNothingOlderThanTheTarget) {
  const TempDirectory directory;
  Shareable job(directory);
  const auto written = std::filesystem::last_write_time(job.part);
  while (std::filesystem::last_write_time(directory.Write("now", "")) ==
         written) {
  }
  auto later = OutputTarget::Create(directory.Path("later.csv"), "",
                                    job.finished.out, Followed());
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(later->Fetch(job.finished.client, job.finished.job,
                         job.finished.progress),
            absl::OkStatus());
  EXPECT_EQ(directory.Read("later.csv"), kWhole);
  EXPECT_EQ(std::filesystem::hard_link_count(job.part), 1u);
}

TEST(Download, SharesNothingThatIsToBeCompressed) {
  const TempDirectory directory;
  Shareable job(directory, "p.csv.gz");
  EXPECT_EQ(job.Fetch(), absl::OkStatus());
  EXPECT_NE(directory.Read("p.csv.gz"), kWhole);
}

TEST(Download, WritesRejectsBesideTheOutput) {
  const TempDirectory directory;
  Finished finished("{\"row\": 3}\n");
  EXPECT_EQ(finished.Save(directory.Path("p.csv")), absl::OkStatus());
  EXPECT_EQ(directory.Read("p.csv.rejects.jsonl"), "{\"row\": 3}\n");
}

TEST(Download, WritesRejectsWhereTheyAreWanted) {
  const TempDirectory directory;
  Finished rejected("{\"row\":3}\n");
  ASSERT_TRUE(rejected.Save("/dev/null", directory.Path("r.jsonl")).ok());
  EXPECT_EQ(directory.Read("r.jsonl"), "{\"row\":3}\n");
  ASSERT_TRUE(rejected.Save(directory.Path("p.csv"), "-").ok());
  EXPECT_EQ(rejected.out.str(), "{\"row\":3}\n");
  EXPECT_EQ(directory.Files(), 2u);
  Finished clean;
  ASSERT_TRUE(
      clean.Save(directory.Path("p.csv"), directory.Path("r.jsonl")).ok());
  EXPECT_EQ(directory.Read("r.jsonl"), "");
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

TEST(Download, GoesOnWhereAnEarlierProcessStopped) {
  const TempDirectory directory;
  Finished lost;
  lost.client.breaks = 1000;
  EXPECT_TRUE(absl::IsUnavailable(lost.SaveJob(directory.Path("p.csv"))));
  EXPECT_EQ(directory.Read("p.csv"), "(none)");
  EXPECT_EQ(directory.Files(), 1u);  // What came so far.
  Finished again;
  EXPECT_EQ(again.SaveJob(directory.Path("p.csv")), absl::OkStatus());
  EXPECT_EQ(directory.Read("p.csv"), kWhole);
  EXPECT_EQ(directory.Files(), 1u);
  EXPECT_NE(again.client.calls[0], "ReadOutput j part-0 0");
}

TEST(Download, TrustsNothingThatAnEarlierProcessLeft) {
  for (const char* left : {"id,prediction\n1,a\n2,X\n3", "id,pred!",
                           "id,prediction\n1,a\n2,b\n3,X\n",
                           "id,prediction\n1,a\n2,b\n3,c\nand more"}) {
    const TempDirectory directory;
    Finished lost;
    lost.client.breaks = 1000;
    EXPECT_FALSE(lost.SaveJob(directory.Path("p.csv")).ok());
    for (const auto& entry :
         std::filesystem::directory_iterator(directory.Path("")))
      std::ofstream(entry.path(), std::ios::binary) << left;
    Finished again;
    EXPECT_EQ(again.SaveJob(directory.Path("p.csv")), absl::OkStatus());
    EXPECT_EQ(directory.Read("p.csv"), kWhole) << left;
    EXPECT_EQ(directory.Files(), 1u);
  }
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

TEST(Download, CompressesAsTheEndingSays) {
  for (const char* name : {"p.csv.gz", "p.csv.zst", "P.CSV.GZ"}) {
    const TempDirectory directory;
    Finished finished;
    ASSERT_EQ(finished.Save(directory.Path(name)), absl::OkStatus());
    EXPECT_NE(directory.Read(name), kWhole);
    auto chunks = FileChunks::Open(directory.Path(name),
                                   CompressionOf(directory.Path(name)));
    ASSERT_TRUE(chunks.ok()) << name;
    EXPECT_EQ((*chunks)->Next().value_or("(error)"), kWhole) << name;
    EXPECT_EQ((*chunks)->Next().value_or("(error)"), "") << name;
  }
}

// More than the buffers hold, and hard to pack.
TEST(Compressor, GivesBackWhatItTook) {
  std::mt19937 random(7);
  std::string bytes(size_t{3} << 20, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  for (const pb::Compression compression : {pb::GZIP, pb::ZSTD}) {
    const TempDirectory directory;
    std::ofstream file(directory.Path("x"), std::ios::binary);
    const auto compressor = Compressor::For(compression);
    const auto sink = [&](absl::string_view packed) {
      file.write(packed.data(), static_cast<std::streamsize>(packed.size()));
      return absl::OkStatus();
    };
    for (size_t at = 0; at < bytes.size(); at += 700'001)
      ASSERT_TRUE(
          compressor
              ->Add(absl::string_view(bytes).substr(at, 700'001), false, sink)
              .ok());
    ASSERT_TRUE(compressor->Add("", true, sink).ok());
    file.close();
    auto chunks = FileChunks::Open(directory.Path("x"), compression);
    ASSERT_TRUE(chunks.ok());
    std::string read;
    for (std::string chunk = "?"; !chunk.empty(); read += chunk)
      chunk = (*chunks)->Next().value_or("");
    EXPECT_EQ(read, bytes);
  }
}

TEST(Download, RemovesWhatDeadProcessesLeft) {
  const TempDirectory directory;
  directory.Write("p.csv.0123abcd.troupe-partial", "dead");
  directory.Write("p.csv.notours.troupe-partial", "a user's");
  directory.Write("q.csv.0123abcd.troupe-partial", "another file's");
  Finished living;
  auto target =
      OutputTarget::Create(directory.Path("p.csv"), "", living.out, Followed());
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(directory.Files(), 3u);  // Its own is the third.
  Finished finished;
  EXPECT_EQ(finished.Save(directory.Path("p.csv")), absl::OkStatus());
  EXPECT_EQ(directory.Files(), 4u);
  EXPECT_EQ(target->Fetch(living.client, living.job, living.progress),
            absl::OkStatus());
  EXPECT_EQ(directory.Read("p.csv"), kWhole);
}

TEST(Download, FailsWhereNotAllCanBeWritten) {
  Finished full;
  EXPECT_EQ(ReasonOf(full.Save("/dev/full")), "WRITE_FAILED");
  Finished gone;
  gone.out.setstate(std::ios::badbit);  // As when the reader left.
  EXPECT_EQ(ReasonOf(gone.Save("-")), "WRITE_FAILED");
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
