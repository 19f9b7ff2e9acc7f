#include "client/coordinator/state/artifact_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "services/base/errors.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

class ArtifactStoreTest : public testing::Test {
 protected:
  ArtifactStoreTest() { std::filesystem::remove_all(directory_); }
  ~ArtifactStoreTest() override { std::filesystem::remove_all(directory_); }

  const std::string directory_ = testing::TempDir() + "/artifact_store_test";
};

TEST_F(ArtifactStoreTest, ReadsBackWhatWasPutAlsoAfterOpeningAgain) {
  const std::string content("tree\0s", 6);
  const std::string sha256 = *ArtifactStore::Open(directory_)->Put(content);
  EXPECT_EQ(sha256, Sha256Hex(content));
  EXPECT_EQ(*ArtifactStore::Open(directory_)->Read(sha256), content);
}

TEST_F(ArtifactStoreTest, RefusesAFileThatDoesNotMatchItsName) {
  const ArtifactStore store = *ArtifactStore::Open(directory_);
  const std::string sha256 = *store.Put("statistics");
  std::ofstream(directory_ + "/" + sha256) << "statistics?";
  const auto read = store.Read(sha256);
  EXPECT_TRUE(absl::IsDataLoss(read.status()));
  EXPECT_EQ(ReasonOf(read.status()), "ARTIFACT_CORRUPT");
}

TEST_F(ArtifactStoreTest, PutMendsARottenFile) {
  const ArtifactStore store = *ArtifactStore::Open(directory_);
  const std::string sha256 = *store.Put("statistics");
  std::ofstream(directory_ + "/" + sha256) << "?";
  ASSERT_TRUE(store.Put("statistics").ok());
  EXPECT_EQ(*store.Read(sha256), "statistics");
}

TEST_F(ArtifactStoreTest, KnowsNoArtifactThatWasNotPut) {
  const ArtifactStore store = *ArtifactStore::Open(directory_);
  const std::string sha256 = Sha256Hex("never put");
  EXPECT_FALSE(store.Contains(sha256));
  EXPECT_TRUE(absl::IsNotFound(store.Read(sha256).status()));
}

TEST_F(ArtifactStoreTest, NeverOpensWhatIsNoDigest) {
  const ArtifactStore store = *ArtifactStore::Open(directory_);
  EXPECT_FALSE(store.Contains("../artifact_store_test"));
  EXPECT_TRUE(absl::IsInvalidArgument(store.Read("../../etc/passwd").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(store.RemoveUnlessFresh("..").status()));
}

TEST_F(ArtifactStoreTest, RemovesWhatIsNotFreshOnceAndForAll) {
  const ArtifactStore store = *ArtifactStore::Open(directory_);
  const std::string sha256 = *store.Put("statistics");
  EXPECT_FALSE(*store.RemoveUnlessFresh(sha256));
  EXPECT_TRUE(store.Contains(sha256));
  store.Named(sha256);
  EXPECT_TRUE(*store.RemoveUnlessFresh(sha256));
  EXPECT_FALSE(store.Contains(sha256));
  EXPECT_TRUE(*store.RemoveUnlessFresh(sha256));
}

TEST_F(ArtifactStoreTest, SweepsWhatADeadProcessLeftAndNothingElse) {
  const std::string sha256 =
      *ArtifactStore::Open(directory_)->Put("statistics");
  const std::string leftover = directory_ + "/" + sha256 + ".1.0.tmp";
  std::ofstream(leftover) << "half";
  std::ofstream(directory_ + "/mine.tmp") << "somebody's";
  const ArtifactStore store = *ArtifactStore::Open(directory_);
  EXPECT_FALSE(std::filesystem::exists(leftover));
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/mine.tmp"));
  EXPECT_TRUE(store.Contains(sha256));
}

TEST_F(ArtifactStoreTest, StoresNothingWhenItMayNotGoOn) {
  const ArtifactStore store = *ArtifactStore::Open(directory_);
  const std::string content(size_t{3} << 20, 'x');
  int pieces = 0;
  const auto all = [&pieces] {
    ++pieces;
    return absl::OkStatus();
  };
  ASSERT_TRUE(store.Put(content, all).ok());
  EXPECT_EQ(pieces, 6);  // Digested, then written.
  for (int stop = 1; stop <= pieces; ++stop) {
    int seen = 0;
    std::filesystem::remove(directory_ + "/" + Sha256Hex(content));
    const absl::Status stopped = store
                                     .Put(content,
                                          [&] {
                                            return ++seen == stop
                                                       ? absl::CancelledError()
                                                       : absl::OkStatus();
                                          })
                                     .status();
    EXPECT_TRUE(absl::IsCancelled(stopped)) << stopped;
    EXPECT_TRUE(std::filesystem::is_empty(directory_));
  }
}

}  // namespace
}  // namespace troupe
