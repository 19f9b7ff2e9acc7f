#include "services/preprocessor/quantile_search.h"

#include <algorithm>
#include <random>

#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "tests/unit/preprocessor/columns.h"

namespace troupe::preprocessor {
namespace {

struct Found {
  std::vector<double> values;
  int passes = 0;
};

// Searches over batches of 1,000, merged in order.
Found Search(const std::vector<double>& values,
             const std::vector<int64_t>& ranks, QuantileLimits limits) {
  pb::QuantileSearch search = WholeRange();
  for (int passes = 1; passes < 100; ++passes) {
    EXPECT_TRUE(ValidSearch(search));
    pb::QuantileCounts sum;
    for (size_t i = 0; i < values.size(); i += 1000) {
      const std::vector<double> batch(
          values.begin() + static_cast<std::ptrdiff_t>(i),
          values.begin() +
              static_cast<std::ptrdiff_t>(std::min(values.size(), i + 1000)));
      pb::QuantileCounts counts = CountValues(Doubles(batch), search, limits);
      EXPECT_TRUE(ValidCounts(counts, search, limits, 1000));
      MergeCounts(std::move(counts), search, limits, sum);
    }
    auto step =
        Narrow(search, sum, ranks, static_cast<int64_t>(values.size()), limits);
    EXPECT_TRUE(step.ok()) << step.status();
    if (!step.ok()) return {};
    if (!step->next.has_value()) return {step->found, passes};
    search = *step->next;
  }
  return {};
}

std::vector<double> Normal(size_t n) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  std::vector<double> values(n);
  for (double& value : values) value = normal(random);
  return values;
}

std::vector<double> Expected(std::vector<double> values,
                             const std::vector<int64_t>& ranks) {
  std::sort(values.begin(), values.end());
  std::vector<double> expected;
  for (const int64_t rank : ranks)
    expected.push_back(values[static_cast<size_t>(rank)]);
  return expected;
}

TEST(QuantileSearch, FewValuesTakeOnePass) {
  const std::vector<double> values = Normal(5000);
  const Found found = Search(values, {0, 2499, 2500, 4999}, {});
  EXPECT_EQ(found.passes, 1);
  EXPECT_EQ(found.values, Expected(values, {0, 2499, 2500, 4999}));
}

TEST(QuantileSearch, ManyValuesAreExactByNarrowing) {
  const std::vector<double> values = Normal(50'000);
  const std::vector<int64_t> ranks = {0, 12'499, 24'999, 25'000, 49'999};
  const Found found = Search(values, ranks, {.max_values = 200, .bits = 12});
  EXPECT_EQ(found.values, Expected(values, ranks));
  EXPECT_LE(found.passes, 3);
  EXPECT_GT(found.passes, 1);
}

TEST(QuantileSearch, NarrowBinsTakeMorePassesAndAreExact) {
  const std::vector<double> values = Normal(20'000);
  const Found found =
      Search(values, {9'999, 10'000}, {.max_values = 10, .bits = 3});
  EXPECT_EQ(found.values, Expected(values, {9'999, 10'000}));
}

TEST(QuantileSearch, OneValueThatIsEverywhereEnds) {
  std::vector<double> values(30'000, 0.1);
  values[3] = -5;
  const Found found =
      Search(values, {0, 15'000, 29'999}, {.max_values = 10, .bits = 12});
  EXPECT_EQ(found.values, (std::vector<double>{-5, 0.1, 0.1}));
  EXPECT_LE(found.passes, 6);
}

TEST(QuantileSearch, BothZerosAreOne) {
  const Found found = Search({-0.0, 0.0, -0.0, 1}, {0, 1, 2}, {});
  EXPECT_EQ(found.values, (std::vector<double>{0, 0, 0}));
}

TEST(QuantileSearch, NoticesThatTheRowsChanged) {
  const QuantileLimits limits = {.max_values = 2, .bits = 12};
  const pb::QuantileSearch all = WholeRange();
  const auto step = Narrow(
      all, CountValues(Doubles({1, 2, 3, 3.1}), all, limits), {2}, 4, limits);
  ASSERT_TRUE(step.ok() && step->next.has_value());
  const auto changed = Narrow(
      *step->next, CountValues(Doubles({1, 2, 9, 9}), *step->next, limits), {2},
      4, limits);
  EXPECT_EQ(ReasonOf(changed.status()), "INPUT_CHANGED");
}

TEST(QuantileSearch, RefusesForeignCounts) {
  pb::QuantileCounts counts;
  counts.set_binned(true);
  counts.add_bins(int64_t{1} << 40);
  counts.add_counts(1);
  EXPECT_FALSE(ValidCounts(counts, WholeRange(), {}, 10));
  counts.set_bins(0, 5);
  EXPECT_TRUE(ValidCounts(counts, WholeRange(), {}, 10));
  counts.set_counts(0, -1);
  EXPECT_FALSE(ValidCounts(counts, WholeRange(), {}, 10));
  counts.set_counts(0, 6);
  counts.add_bins(6);
  counts.add_counts(5);
  EXPECT_FALSE(ValidCounts(counts, WholeRange(), {}, 10));
  EXPECT_TRUE(ValidCounts(counts, WholeRange(), {}, 11));
}

TEST(QuantileSearch, RefusesMoreForeignValuesThanRows) {
  pb::QuantileCounts counts;
  for (const double value : {1.0, 2.0}) counts.add_values(value);
  EXPECT_TRUE(ValidCounts(counts, WholeRange(), {}, 2));
  EXPECT_FALSE(ValidCounts(counts, WholeRange(), {}, 1));
}

TEST(QuantileSearch, RefusesForeignBrackets) {
  pb::QuantileSearch search = WholeRange();
  search.mutable_brackets(0)->set_width_bits(65);
  EXPECT_FALSE(ValidSearch(search));
  search.mutable_brackets(0)->set_width_bits(4);
  search.mutable_brackets(0)->set_low(8);
  EXPECT_FALSE(ValidSearch(search));
}

TEST(Interpolate, FollowsNumpyFromTheNearerEnd) {
  const Rank rank = RankOf(0.75, 6);
  EXPECT_EQ(rank.below, 3);
  EXPECT_EQ(rank.above, 4);
  EXPECT_EQ(rank.fraction, 0.75);
  // The two ways differ in the last bit here.
  EXPECT_EQ(Interpolate(0.4, 6.9, 0.6), 6.9 - (6.9 - 0.4) * (1 - 0.6));
  EXPECT_NE(Interpolate(0.4, 6.9, 0.6), 0.4 + (6.9 - 0.4) * 0.6);
  EXPECT_EQ(Interpolate(0.1, 0.7, 0.25), 0.1 + (0.7 - 0.1) * 0.25);
}

}  // namespace
}  // namespace troupe::preprocessor
