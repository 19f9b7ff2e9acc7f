#include "services/table/glob.h"

#include "gtest/gtest.h"

namespace troupe {
namespace {

TEST(MatchesGlob, HandlesStarsAndCharacters) {
  EXPECT_TRUE(MatchesGlob("*", ""));
  EXPECT_TRUE(MatchesGlob("a*b*c", "a--b-b-c"));
  EXPECT_FALSE(MatchesGlob("a*b*c", "a--c-b"));
  EXPECT_TRUE(MatchesGlob("K?ln", "K\xc3\xb6ln"));
  EXPECT_FALSE(MatchesGlob("a", "ab"));
}

TEST(MatchesGlob, KnowsStarAndQuestionMark) {
  EXPECT_TRUE(MatchesGlob("usage_*", "usage_"));
  EXPECT_TRUE(MatchesGlob("*a*b", "xaxxab"));
  EXPECT_TRUE(MatchesGlob("?x", "\xC3\xA4x"));
  EXPECT_FALSE(MatchesGlob("a?", "a"));
  EXPECT_FALSE(MatchesGlob("*a", "ab"));
}

TEST(HasGlob, IsForPatternsOnly) {
  EXPECT_TRUE(HasGlob("a*"));
  EXPECT_TRUE(HasGlob("?"));
  EXPECT_FALSE(HasGlob("a.b"));
}

}  // namespace
}  // namespace troupe
