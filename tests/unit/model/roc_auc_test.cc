#include "services/model/roc_auc.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "services/base/errors.h"

namespace troupe::model {
namespace {

using Scores = std::vector<ScoredRow>;

RocCounts CountsOf(Scores scores, int64_t limit, bool weighted = false) {
  RocCounts counts(limit, weighted);
  counts.Add(std::move(scores));
  return counts;
}

// Different scores, positives a little higher.
Scores RandomScores(size_t rows) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> unit(0, 1);
  Scores scores;
  for (size_t i = 0; i < rows; ++i) {
    const bool positive = i % 3 == 0;
    scores.push_back({unit(random) * 0.8 + (positive ? 0.2 : 0), positive});
  }
  return scores;
}

TEST(RocCounts, CountsOrderedPairsAndHalfOfTies) {
  // Pairs (positive, negative): (.8 .1) (.8 .5) (.5 .1) in order, (.5 .5) tied.
  const Scores scores = {{0.1, false}, {0.5, true}, {0.5, false}, {0.8, true}};
  EXPECT_EQ(CountsOf(scores, 100).Area().value, 3.5 / 4);
  EXPECT_EQ(CountsOf(scores, 100).Area().error_bound, 0);
}

TEST(RocCounts, BinsWithinItsBound) {
  const Scores scores = RandomScores(5000);
  const double exact = CountsOf(scores, 5000).Area().value;
  const AreaUnderCurve binned = CountsOf(scores, 256).Area();
  EXPECT_GT(binned.error_bound, 0);
  EXPECT_LT(binned.error_bound, 0.01);
  EXPECT_NEAR(binned.value, exact, binned.error_bound);
}

TEST(RocCounts, IsTheSameHoweverRowsAreDivided) {
  const Scores scores = RandomScores(1000);
  // 999 and 1000: the limit is passed by the last row alone.
  for (const int64_t limit : {64, 999, 1000}) {
    const AreaUnderCurve whole = CountsOf(scores, limit).Area();
    for (const int64_t part : {1, 7, 300}) {
      RocCounts joined(limit, false);
      for (auto row = scores.begin(); row < scores.end(); row += part)
        joined.Merge(
            CountsOf({row, std::min(row + part, scores.end())}, limit));
      EXPECT_EQ(joined.Area().value, whole.value) << limit << " " << part;
      EXPECT_EQ(joined.Area().error_bound, whole.error_bound);
    }
  }
}

TEST(RocCounts, TravelsAsProtoBinnedOrNot) {
  for (const int64_t limit : {16, 1000})
    for (const bool weighted : {false, true}) {
      const RocCounts counts = CountsOf(RandomScores(100), limit, weighted);
      const auto read = RocCounts::FromProto(counts.ToProto(), limit, weighted);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(read->Area().value, counts.Area().value);
      EXPECT_EQ(read->Area().error_bound, counts.Area().error_bound);
    }
}

TEST(RocCounts, AWeightStandsForSoManyRows) {
  const RocCounts weighted = CountsOf(
      {{0.1, false, 3}, {0.5, true, 2}, {0.5, false, 1}, {0.9, true, 0}}, 100,
      true);
  const RocCounts repeated = CountsOf({{0.1, false},
                                       {0.1, false},
                                       {0.1, false},
                                       {0.5, true},
                                       {0.5, true},
                                       {0.5, false}},
                                      100);
  EXPECT_EQ(weighted.Area().value, repeated.Area().value);
}

// 2^53 + 1 is no double, 2^53 + 2 is one.
TEST(RocCounts, RoundsNoWeightOff) {
  Scores scores = {
      {0.2, true, 0x1p53}, {0.2, true, 1}, {0.2, true, 1}, {0.5, false, 1}};
  scores.push_back({0.8, true, 1});
  const auto expected = static_cast<double>(1.0L / (0x1p53L + 3));
  EXPECT_EQ(CountsOf(scores, 100, true).Area().value, expected);
  std::reverse(scores.begin(), scores.end());
  EXPECT_EQ(CountsOf(scores, 100, true).Area().value, expected);
}

// `scores` counted in parts of that many rows, each sent and read.
RocCounts CountInParts(const Scores& scores, size_t part, int64_t limit) {
  RocCounts joined(limit, true);
  for (size_t begin = 0; begin < scores.size(); begin += part) {
    const auto row = scores.begin() + static_cast<int64_t>(begin);
    const auto rows = std::min(part, scores.size() - begin);
    const auto read = RocCounts::FromProto(
        CountsOf({row, row + static_cast<int64_t>(rows)}, limit, true)
            .ToProto(),
        limit, true);
    EXPECT_TRUE(read.ok()) << read.status();
    if (read.ok()) joined.Merge(*read);
  }
  return joined;
}

TEST(RocCounts, WeighsTheSameInAnyOrderAndDivision) {
  Scores scores = RandomScores(1000);
  for (size_t i = 0; i < scores.size(); ++i) {
    scores[i].score = std::round(scores[i].score * 32) / 32;
    scores[i].weight = std::pow(1.1, static_cast<double>(i % 97)) / 3;
  }
  std::mt19937 random(2);
  // Binned and not.
  for (const int64_t limit : {8, 1000}) {
    const AreaUnderCurve whole = CountsOf(scores, limit, true).Area();
    for (int round = 0; round < 30; ++round) {
      std::shuffle(scores.begin(), scores.end(), random);
      const size_t part = random() % 2 == 0 ? 7 : 300;
      const AreaUnderCurve area = CountInParts(scores, part, limit).Area();
      EXPECT_EQ(area.value, whole.value) << limit << " " << part;
      EXPECT_EQ(area.error_bound, whole.error_bound);
    }
  }
}

TEST(RocCounts, RefusesHostileWeights) {
  // Two parts: 0x1p53 + 1.
  const pb::ScoreCounts good =
      CountsOf({{0.1, true, 0x1p53}, {0.1, true, 1}, {0.2, false, 1}}, 2, true)
          .ToProto();
  const auto read = [&](auto change, int64_t limit = 2) {
    pb::ScoreCounts proto = good;
    change(proto);
    return ReasonOf(RocCounts::FromProto(proto, limit, true).status());
  };
  ASSERT_EQ(good.positive_weights_size(), 3);
  EXPECT_EQ(read([](auto&) {}), "");
  EXPECT_EQ(read([](auto& p) { p.set_positive_weights(0, -1); }),
            "BAD_PARTIAL");
  EXPECT_EQ(read([](auto& p) { p.set_positive_weights(1, -0x1p53); }),
            "BAD_PARTIAL");
  EXPECT_EQ(read([](auto& p) { p.set_negative_weights(1, -1); }),
            "BAD_PARTIAL");
  EXPECT_EQ(read([](auto& p) { p.set_positive_weights(1, NAN); }),
            "BAD_PARTIAL");
  EXPECT_EQ(read([](auto&) {}, 1), "BAD_PARTIAL");
}

TEST(RocCounts, RefusesHostileCounts) {
  const pb::ScoreCounts good =
      CountsOf({{0.1, true}, {0.2, false}}, 10).ToProto();
  const auto read = [&](auto change) {
    pb::ScoreCounts proto = good;
    change(proto);
    return ReasonOf(RocCounts::FromProto(proto, 10, false).status());
  };
  const double falling[] = {0.2, 0.1};
  const double nan[] = {NAN, 0.2};
  const auto bytes = [](const double* values) {
    return std::string(reinterpret_cast<const char*>(values), 16);
  };
  EXPECT_EQ(read([](pb::ScoreCounts&) {}), "");
  EXPECT_EQ(read([&](auto& p) { p.set_scores(bytes(falling)); }),
            "BAD_PARTIAL");
  EXPECT_EQ(read([&](auto& p) { p.set_scores(bytes(nan)); }), "BAD_PARTIAL");
  EXPECT_EQ(read([](auto& p) { p.set_positives(0, -1); }), "BAD_PARTIAL");
  EXPECT_EQ(read([](auto& p) { p.set_negatives(1, INT64_MAX); }),
            "BAD_PARTIAL");
  EXPECT_EQ(read([](auto& p) { p.set_binned(true); }), "BAD_PARTIAL");
  EXPECT_EQ(read([](auto& p) { p.add_positives(1); }), "BAD_PARTIAL");
}

}  // namespace
}  // namespace troupe::model
