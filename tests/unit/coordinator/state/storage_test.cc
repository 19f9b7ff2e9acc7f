#include "client/coordinator/state/storage.h"

#include <sys/stat.h>

#include <filesystem>

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "tests/testing/temp_dir.h"

namespace troupe {
namespace {

mode_t ModeOf(const std::string& path) {
  struct stat found = {};
  return stat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
}

TEST(MakeDirectory, MakesWhatIsMissingForTheOwnerAlone) {
  TempDir dir;
  ASSERT_TRUE(MakeDirectory(dir / "a/b/").ok());
  EXPECT_EQ(ModeOf(dir / "a"), 0700u);
  EXPECT_EQ(ModeOf(dir / "a/b"), 0700u);
  ASSERT_TRUE(MakeDirectory(dir / "a/c", 0755).ok());
  EXPECT_EQ(ModeOf(dir / "a/c"), 0755u);
}

TEST(DirectoryMode, LetsThoseInWhoMayRead) {
  EXPECT_EQ(DirectoryMode(0600), 0700u);
  EXPECT_EQ(DirectoryMode(0640), 0750u);
  EXPECT_EQ(DirectoryMode(0644), 0755u);
}

TEST(MakeDirectory, LeavesWhatIsThereAsItIs) {
  TempDir dir;
  ASSERT_EQ(mkdir((dir / "a").c_str(), 0750), 0);
  const mode_t before = ModeOf(dir / "a");
  ASSERT_TRUE(MakeDirectory(dir / "a").ok());
  EXPECT_EQ(ModeOf(dir / "a"), before);
}

TEST(MakeDirectory, SaysWhatIsInTheWay) {
  TempDir dir;
  std::ofstream(dir / "file") << "x";
  for (const std::string& path : {dir / "file", dir / "file/below"}) {
    const absl::Status status = MakeDirectory(path);
    EXPECT_EQ(ReasonOf(status), "STORAGE_FAILED") << status;
    EXPECT_NE(status.message().find(path), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace troupe
