// Our predictions are XGBoost's, bit for bit, whatever the trees look like.
#include "services/model/backends/tree_ensemble.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "services/base/status_macros.h"
#include "services/model/backends/tree_source.h"
#include "services/model/model.h"
#include "tests/testing/boosted_trees.h"

namespace troupe::model {
namespace {

TreeEnsemble Ensemble(const BoostedTrees& trees,
                      TreeSimd simd = BestTreeSimd()) {
  auto ensemble = TreeEnsemble::Create(trees.Ubjson(), trees.objective(),
                                       trees.features(), trees.groups(), simd);
  EXPECT_TRUE(ensemble.ok()) << ensemble.status();
  return *std::move(ensemble);
}

// Rows whose score differs in any bit.
int64_t Differences(const BoostedTrees& trees, const TreeEnsemble& ensemble,
                    const std::vector<float>& values) {
  const auto rows = static_cast<int64_t>(values.size()) / trees.features();
  const std::vector<float> theirs = trees.Predict(values.data(), rows);
  std::vector<float> ours(theirs.size(), -12345.0f);
  ensemble.Predict(values.data(), rows, 1, ours.data());
  int64_t differences = 0;
  for (size_t i = 0; i < ours.size(); ++i)
    differences += std::memcmp(&ours[i], &theirs[i], sizeof(float)) != 0;
  return differences;
}

// By all the instructions that this processor has.
void ExpectEqual(const BoostedTrees& trees) {
  for (const TreeSimd simd :
       {TreeSimd::kSse2, TreeSimd::kAvx2, TreeSimd::kAvx512}) {
    if (simd > BestTreeSimd()) continue;
    SCOPED_TRACE(::testing::PrintToString(static_cast<int>(simd)));
    const TreeEnsemble ensemble = Ensemble(trees, simd);
    EXPECT_EQ(Differences(trees, ensemble,
                          RandomRows(1000, trees.features(), 0.2, 77)),
              0);
    EXPECT_EQ(Differences(trees, ensemble, ensemble.ProbeRows(1000)), 0);
  }
}

class EveryObjective : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryObjective, PredictsXgboostsBits) {
  XgboostParameters parameters = {{"objective", GetParam()},
                                  {"max_depth", "5"}};
  if (GetParam() == "multi:softprob") parameters["num_class"] = "5";
  ExpectEqual(BoostedTrees(parameters, 30, 2000, 7, 0.1));
  parameters["base_score"] = "0.25";
  ExpectEqual(BoostedTrees(parameters, 3, 500, 7, 0));
}

INSTANTIATE_TEST_SUITE_P(
    TreeEnsemble, EveryObjective,
    ::testing::Values("reg:squarederror", "reg:absoluteerror",
                      "reg:pseudohubererror", "reg:squaredlogerror",
                      "reg:logistic", "reg:gamma", "reg:tweedie",
                      "count:poisson", "binary:logistic", "multi:softprob"),
    [](const auto& test) {
      std::string name = test.param;
      for (char& c : name)
        if (c == ':') c = '_';
      return name;
    });

class EveryDepth : public ::testing::TestWithParam<int> {};

// From single leaves over complete trees to those that rows walk down.
TEST_P(EveryDepth, PredictsXgboostsBits) {
  for (const char* policy : {"depthwise", "lossguide"})
    for (const double missing : {0.0, 0.3})
      ExpectEqual(BoostedTrees({{"objective", "reg:squarederror"},
                                {"tree_method", "hist"},
                                {"grow_policy", policy},
                                {"min_child_weight", "0"},
                                {"max_depth", std::to_string(GetParam())},
                                {"max_leaves", GetParam() == 0 ? "50" : "0"}},
                               12, 3000, 5, missing,
                               static_cast<uint32_t>(GetParam())));
}

INSTANTIATE_TEST_SUITE_P(TreeEnsemble, EveryDepth, ::testing::Range(0, 14));

TEST(TreeEnsemble, PredictsXgboostsBitsOfRandomShapes) {
  std::mt19937 random(5);
  const auto pick = [&](std::vector<std::string> of) {
    return of[random() % of.size()];
  };
  for (int model = 0; model < 40; ++model) {
    XgboostParameters parameters = {
        {"objective", pick({"binary:logistic", "reg:squarederror",
                            "multi:softprob", "count:poisson"})},
        {"tree_method", pick({"hist", "exact", "approx"})},
        {"max_depth", pick({"1", "3", "6", "7", "8", "9", "12"})},
        {"min_child_weight", pick({"0", "1", "30"})},
        {"gamma", pick({"0", "0.1", "2"})},
        {"eta", pick({"0.05", "0.3", "1"})},
        {"subsample", pick({"0.5", "1"})},
        {"num_parallel_tree", pick({"1", "3"})}};
    if (parameters["objective"] == "multi:softprob")
      parameters["num_class"] = pick({"2", "3", "20"});
    SCOPED_TRACE(::testing::PrintToString(parameters));
    ExpectEqual(BoostedTrees(parameters, 1 + static_cast<int>(random() % 20),
                             200 + random() % 2000, 1 + random() % 40,
                             random() % 2 == 0 ? 0 : 0.2,
                             static_cast<uint32_t>(model)));
  }
}

TEST(TreeEnsemble, PredictsAnyNumberOfRowsByAnyNumberOfThreads) {
  const BoostedTrees trees({{"objective", "binary:logistic"}}, 10, 500, 6, 0.1);
  const TreeEnsemble ensemble = Ensemble(trees);
  for (const int64_t rows : {0, 1, 2, 15, 16, 17, 63, 64, 65, 130, 20'000}) {
    const std::vector<float> values =
        RandomRows(rows, trees.features(), 0.1, 3);
    const std::vector<float> theirs =
        rows == 0 ? std::vector<float>() : trees.Predict(values.data(), rows);
    for (const int threads : {1, 3}) {
      std::vector<float> ours(static_cast<size_t>(rows) + 1, -1);
      ensemble.Predict(values.data(), rows, threads, ours.data());
      EXPECT_EQ(ours.back(), -1) << "written beyond the last row";
      ours.pop_back();
      EXPECT_EQ(ours, theirs) << rows << " rows, " << threads << " threads";
    }
  }
}

TEST(TreeEnsemble, TakesInfiniteAndTinyValuesAsXgboostDoes) {
  const BoostedTrees trees({{"objective", "reg:squarederror"}}, 20, 2000, 4,
                           0.2);
  std::vector<float> values = RandomRows(500, 4, 0.1, 9);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < values.size(); i += 3)
    values[i] = std::vector<float>{kInfinity, -kInfinity, -0.0f,
                                   std::numeric_limits<float>::denorm_min(),
                                   std::numeric_limits<float>::max()}[i % 5];
  EXPECT_EQ(Differences(trees, Ensemble(trees), values), 0);
}

TEST(TreeEnsemble, ReadsWhatMissingValuesDo) {
  const BoostedTrees trees({{"objective", "reg:squarederror"}}, 5, 2000, 4,
                           0.3);
  const auto source = ReadSourceTrees(trees.Ubjson());
  ASSERT_TRUE(source.ok());
  std::set<bool> directions;
  for (const SourceTree& tree : source->trees)
    for (const SourceNode& node : tree.nodes)
      if (!node.leaf()) directions.insert(node.missing_left);
  EXPECT_EQ(directions.size(), 2u) << "the other tests need both";
}

TEST(TreeEnsemble, SaysWhatItDoesNotCover) {
  const BoostedTrees trees({{"objective", "reg:squarederror"}}, 1, 100, 2, 0);
  EXPECT_EQ(TreeEnsemble::Create(trees.Ubjson(), "rank:pairwise", 2, 1)
                .status()
                .code(),
            absl::StatusCode::kUnimplemented);
}

// The choice between the two evaluators hangs on this.
TEST(TreeEnsemble, DisagreesWithAnotherReference) {
  const BoostedTrees trees({{"objective", "reg:squarederror"}}, 5, 500, 3, 0.1);
  const TreeEnsemble ensemble = Ensemble(trees);
  float change = 0;
  const auto reference = [&](const float* values, int64_t rows,
                             std::vector<float>* scores) {
    *scores = trees.Predict(values, rows);
    scores->back() = std::nextafter(scores->back(), change);
    return absl::OkStatus();
  };
  change = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(*ensemble.Agrees(reference));
  const auto exact = [&](const float* values, int64_t rows,
                         std::vector<float>* scores) {
    *scores = trees.Predict(values, rows);
    return absl::OkStatus();
  };
  EXPECT_TRUE(*ensemble.Agrees(exact));
}

}  // namespace
}  // namespace troupe::model
