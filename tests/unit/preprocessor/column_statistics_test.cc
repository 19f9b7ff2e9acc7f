#include "services/preprocessor/column_statistics.h"

#include "gmock/gmock.h"
#include "services/base/errors.h"
#include "tests/unit/preprocessor/columns.h"

namespace troupe::preprocessor {
namespace {

using ::testing::ElementsAre;

pb::ColumnStatistics Observe(const Column& column, const Needs& needs) {
  const pb::QuantileSearch search = WholeRange();
  auto statistics = ObserveColumn("x", column, needs, &search, {});
  EXPECT_TRUE(statistics.ok()) << statistics.status();
  EXPECT_TRUE(
      CheckStatistics(*statistics, column.type(), needs, &search, {}).ok());
  return *statistics;
}

Summary SummaryOf(const std::vector<Column>& batches, const Needs& needs) {
  const pb::QuantileSearch search = WholeRange();
  pb::ColumnStatistics sum;
  for (const Column& batch : batches)
    EXPECT_TRUE(
        MergeStatistics("x", Observe(batch, needs), &search, {}, sum).ok());
  return Summarize(sum);
}

TEST(ColumnStatistics, CountsMissing) {
  const Summary summary =
      SummaryOf({Doubles({1, kNaN}), Doubles({kNaN})}, {.missing = true});
  EXPECT_EQ(summary.rows, 3);
  EXPECT_EQ(summary.missing, 2);
}

TEST(ColumnStatistics, KeepsDigitsWhereTheSpreadIsTinyBesideTheMean) {
  std::vector<Column> batches;
  for (int i = 0; i < 3000; i += 2)
    batches.push_back(Doubles({1e15 + i % 3, 1e15 + (i + 1) % 3}));
  const Summary summary = SummaryOf(batches, {.moments = true});
  EXPECT_EQ(summary.mean, 1e15 + 1);
  EXPECT_EQ(summary.deviation, std::sqrt(2.0 / 3));
}

TEST(ColumnStatistics, EmptyBatchesChangeNothing) {
  const Needs needs = {.moments = true, .range = true, .categories = true};
  const Summary with =
      SummaryOf({Doubles({}), Doubles({1, 4}), Doubles({})}, needs);
  const Summary without = SummaryOf({Doubles({1, 4})}, needs);
  EXPECT_EQ(with.mean, without.mean);
  EXPECT_EQ(with.deviation, without.deviation);
  EXPECT_EQ(with.min, 1);
  EXPECT_EQ(with.max, 4);
  EXPECT_EQ(with.category_keys, without.category_keys);
}

TEST(ColumnStatistics, CountsTextWithAndWithoutDictionary) {
  std::vector<std::optional<std::string>> many;
  for (int i = 0; i < 3000; ++i) many.push_back(std::to_string(i));
  many[7] = "0";
  many[8] = std::nullopt;
  const Column plain = Texts(many);
  ASSERT_FALSE(plain.dictionary_encoded());
  const Summary summary =
      SummaryOf({plain, Texts({"0", "z"})}, {.categories = true});
  EXPECT_EQ(summary.category_keys.size(), 2999u);
  EXPECT_EQ(summary.category_keys[0], "0");
  EXPECT_EQ(summary.category_counts[0], 3);
  EXPECT_EQ(summary.category_keys.back(), "z");
}

TEST(ColumnStatistics, CountsNumbersInOrder) {
  const Summary summary = SummaryOf(
      {Int64s({5, -1, std::nullopt}), Int64s({5, 7})}, {.categories = true});
  EXPECT_THAT(summary.category_counts, ElementsAre(1, 2, 1));
}

TEST(ColumnStatistics, RefusesAnIdentifierAsCategory) {
  std::vector<double> values(static_cast<size_t>(kMaxCategories) + 1);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  const auto statistics = ObserveColumn("id", Doubles(std::move(values)),
                                        {.categories = true}, nullptr, {});
  EXPECT_EQ(ReasonOf(statistics.status()), "TOO_MANY_CATEGORIES");
  EXPECT_EQ(MetadataOf(statistics.status()).at("column"), "id");
}

TEST(ColumnStatistics, RefusesForeignNonsense) {
  const Needs needs = {.categories = true};
  pb::ColumnStatistics good = Observe(Texts({"a", "b", "a"}), needs);
  const auto check = [&](const pb::ColumnStatistics& statistics) {
    return CheckStatistics(statistics, pb::STRING, needs, nullptr, {}).ok();
  };
  EXPECT_TRUE(check(good));
  pb::ColumnStatistics bad = good;
  bad.set_missing(9);
  EXPECT_FALSE(check(bad));
  bad = good;
  bad.mutable_categories()->set_counts(0, int64_t{1} << 62);
  EXPECT_FALSE(check(bad));
  bad = good;
  bad.mutable_categories()->set_keys(1, "A");
  EXPECT_FALSE(check(bad));
}

}  // namespace
}  // namespace troupe::preprocessor
