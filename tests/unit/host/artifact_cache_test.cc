#include "services/host/artifact_cache.h"

#include <memory>

#include "gtest/gtest.h"

namespace troupe {
namespace {

struct Number : Artifact {
  explicit Number(int value) : value(value) {}
  int value;
};
struct Other : Artifact {};

TEST(ArtifactCache, ReturnsWhatWasPut) {
  ArtifactCache cache(100);
  ASSERT_TRUE(cache.Put("a", 10, std::make_shared<Number>(7)).ok());
  EXPECT_EQ((*cache.Get<Number>("a"))->value, 7);
}

TEST(ArtifactCache, SaysWhatIsMissing) {
  ArtifactCache cache(100);
  EXPECT_EQ(ReasonOf(cache.Get<Number>("a").status()), "ARTIFACT_MISSING");
}

TEST(ArtifactCache, AnotherKindIsCorrupt) {
  ArtifactCache cache(100);
  ASSERT_TRUE(cache.Put("a", 10, std::make_shared<Other>()).ok());
  EXPECT_EQ(ReasonOf(cache.Get<Number>("a").status()), "ARTIFACT_CORRUPT");
}

TEST(ArtifactCache, DropsTheLeastRecentlyUsed) {
  ArtifactCache cache(100);
  ASSERT_TRUE(cache.Put("a", 40, std::make_shared<Number>(1)).ok());
  ASSERT_TRUE(cache.Put("b", 40, std::make_shared<Number>(2)).ok());
  ASSERT_TRUE(cache.Get<Number>("a").ok());
  ASSERT_TRUE(cache.Put("c", 40, std::make_shared<Number>(3)).ok());
  EXPECT_TRUE(cache.Get<Number>("a").ok());
  EXPECT_FALSE(cache.Get<Number>("b").ok());
  EXPECT_TRUE(cache.Get<Number>("c").ok());
}

TEST(ArtifactCache, PutAgainCountsOnce) {
  ArtifactCache cache(100);
  ASSERT_TRUE(cache.Put("a", 60, std::make_shared<Number>(1)).ok());
  ASSERT_TRUE(cache.Put("a", 60, std::make_shared<Number>(2)).ok());
  ASSERT_TRUE(cache.Put("b", 40, std::make_shared<Number>(3)).ok());
  EXPECT_EQ((*cache.Get<Number>("a"))->value, 2);
}

TEST(ArtifactCache, RefusesWhatAloneIsTooLarge) {
  ArtifactCache cache(100);
  ASSERT_TRUE(cache.Put("a", 60, std::make_shared<Number>(1)).ok());
  const absl::Status status = cache.Put("b", 101, std::make_shared<Number>(2));
  EXPECT_EQ(ReasonOf(status), "ARTIFACT_TOO_LARGE");
  EXPECT_TRUE(cache.Get<Number>("a").ok());
}

TEST(ArtifactCache, DroppedEntryLivesAsLongAsItIsUsed) {
  ArtifactCache cache(100);
  ASSERT_TRUE(cache.Put("a", 60, std::make_shared<Number>(1)).ok());
  const auto held = cache.Get<Number>("a");
  ASSERT_TRUE(cache.Put("b", 60, std::make_shared<Number>(2)).ok());
  EXPECT_FALSE(cache.Get<Number>("a").ok());
  EXPECT_EQ((*held)->value, 1);
}

}  // namespace
}  // namespace troupe
