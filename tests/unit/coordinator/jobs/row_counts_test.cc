#include "client/coordinator/jobs/row_counts.h"

#include "gtest/gtest.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

TEST(RowCounts, AddUpToAllRows) {
  pb::SplitSpec split;
  split.set_test(0.2);
  split.set_validation(0.1);
  const RowCounts counts = CountRows(10'000, split);
  EXPECT_EQ(counts.train + counts.validation + counts.test, 10'000);
  EXPECT_NEAR(static_cast<double>(counts.test), 2000, 200);
  EXPECT_TRUE(CheckRowCounts(counts, split).ok());
}

TEST(RowCounts, RefuseAPartWithoutRows) {
  pb::SplitSpec split;
  split.set_test(0.5);
  EXPECT_EQ(MetadataOf(CheckRowCounts({3, 0, 0}, split))["field"],
            "split.test");
  EXPECT_EQ(MetadataOf(CheckRowCounts({0, 0, 3}, split))["field"], "split");
  EXPECT_EQ(ReasonOf(CheckRowCounts({0, 0, 0}, split)), "NO_ROWS");
  split.set_validation(0.1);
  EXPECT_EQ(MetadataOf(CheckRowCounts({3, 0, 3}, split))["field"],
            "split.validation");
}

}  // namespace
}  // namespace troupe
