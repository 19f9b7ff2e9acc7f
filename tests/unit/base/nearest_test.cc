#include "services/base/nearest.h"

#include "gtest/gtest.h"
#include "services/base/registry.h"

namespace troupe {
namespace {

TEST(NearestName, FindsASlip) {
  EXPECT_EQ(NearestName("standardise", {"impute", "standardize"}),
            "standardize");
}

TEST(NearestName, TranspositionCountsOne) {
  EXPECT_EQ(NearestName("aeg", {"fee", "age"}), "age");
}

TEST(NearestName, IgnoresCase) {
  EXPECT_EQ(NearestName("AGE", {"age"}), "age");
}

TEST(NearestName, FindsNothingFarAway) {
  EXPECT_EQ(NearestName("xyz", {"income", "age"}), "");
  EXPECT_EQ(NearestName("a", {}), "");
  EXPECT_EQ(DidYouMean("xyz", {"age"}), "");
}

TEST(NearestName, PrefersTheFirstOfEquals) {
  EXPECT_EQ(NearestName("cat", {"bat", "rat"}), "bat");
}

TEST(Registry, FindsOrSaysWhatWasMeant) {
  Registry<int> registry("transform");
  registry.Add("clip", 1);
  registry.Add("log1p", 2);
  EXPECT_EQ(*registry.Find("log1p"), 2);
  EXPECT_EQ(registry.Find("clipp").status().message(),
            "no transform \"clipp\"; did you mean \"clip\"?");
}

}  // namespace
}  // namespace troupe
