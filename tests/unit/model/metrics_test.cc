#include <gmock/gmock.h>

#include <cmath>

#include "services/base/errors.h"
#include "services/model/class_metrics.h"
#include "services/model/regression_metrics.h"
#include "tests/unit/model/model_testing.h"

namespace troupe::model {
namespace {

void ExpectMetrics(
    const Json& expected,
    const google::protobuf::RepeatedPtrField<pb::Metric>& metrics) {
  for (const auto& [name, value] : expected.struct_value().fields()) {
    if (name == "confusion") continue;
    const double wanted = value.number_value();
    EXPECT_NEAR(MetricOf(metrics, name), wanted,
                1e-12 * std::max(1.0, std::abs(wanted)))
        << name;
  }
}

std::vector<int> Whole(const std::vector<double>& numbers) {
  return std::vector<int>(numbers.begin(), numbers.end());
}

// Rows `begin` to `end` of a golden case of classes.
ClassMetrics CountClasses(const Json& golden, bool binary, size_t begin,
                          size_t end) {
  const std::vector<double> shares = Numbers(At(golden, "shares"));
  const std::vector<int> truth = Whole(Numbers(At(golden, "truth")));
  const std::vector<double> scores = Numbers(At(golden, "scores"));
  const size_t width = binary ? 1 : shares.size();
  std::vector<int> predicted;
  for (size_t i = begin; i < end; ++i) {
    const auto row = scores.begin() + static_cast<int64_t>(i * width);
    predicted.push_back(
        binary ? *row >= 0.5
               : static_cast<int>(
                     std::max_element(row, row + static_cast<int64_t>(width)) -
                     row));
  }
  ClassMetrics metrics(shares, binary);
  metrics.Add({truth.begin() + static_cast<int64_t>(begin),
               truth.begin() + static_cast<int64_t>(end)},
              predicted,
              {scores.begin() + static_cast<int64_t>(begin * width),
               scores.begin() + static_cast<int64_t>(end * width)});
  return metrics;
}

class ClassGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(ClassGolden, EqualsScikitLearn) {
  const Json all = ReadGolden("model_metrics.json");
  const Json& golden = At(all, GetParam());
  const bool binary = std::string(GetParam()) == "binary";
  const pb::Evaluation report = CountClasses(golden, binary, 0, 90).Report();
  ExpectMetrics(At(golden, "expected"), report.metrics());
  ExpectMetrics(At(golden, "baseline"), report.baseline());
  EXPECT_THAT(
      std::vector<double>(report.confusion().begin(), report.confusion().end()),
      Numbers(At(At(golden, "expected"), "confusion")));
}

TEST_P(ClassGolden, IsTheSameInParts) {
  const Json all = ReadGolden("model_metrics.json");
  const Json& golden = At(all, GetParam());
  const bool binary = std::string(GetParam()) == "binary";
  ClassMetrics joined = CountClasses(golden, binary, 0, 0);
  for (const auto& [begin, end] :
       {std::pair<size_t, size_t>{0, 1}, {1, 50}, {50, 90}})
    ASSERT_TRUE(
        joined.Merge(CountClasses(golden, binary, begin, end).ToProto()).ok());
  ExpectMetrics(At(golden, "expected"), joined.Report().metrics());
}

INSTANTIATE_TEST_SUITE_P(Metrics, ClassGolden,
                         ::testing::Values("binary", "multiclass"));

class RegressionGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(RegressionGolden, EqualsScikitLearnAlsoInParts) {
  const Json all = ReadGolden("model_metrics.json");
  const Json& golden = At(all, GetParam());
  const std::vector<double> truth = Numbers(At(golden, "truth"));
  const std::vector<double> scores = Numbers(At(golden, "scores"));
  const double constant = At(golden, "constant").number_value();
  const bool counts = std::string(GetParam()) == "count";
  RegressionMetrics joined(constant, counts);
  for (const auto& [begin, end] :
       {std::pair<int64_t, int64_t>{0, 30}, {30, 31}, {31, 31}, {31, 90}}) {
    RegressionMetrics part(constant, counts);
    part.Add({truth.begin() + begin, truth.begin() + end},
             {scores.begin() + begin, scores.begin() + end});
    ASSERT_TRUE(joined.Merge(part.ToProto()).ok());
  }
  ExpectMetrics(At(golden, "expected"), joined.Report().metrics());
  ExpectMetrics(At(golden, "baseline"), joined.Report().baseline());
}

INSTANTIATE_TEST_SUITE_P(Metrics, RegressionGolden,
                         ::testing::Values("regression", "count"));

TEST(RegressionMetrics, HasNoR2OfOneRowAndNothingOfNone) {
  RegressionMetrics metrics(0, false);
  EXPECT_TRUE(std::isnan(MetricOf(metrics.Report().metrics(), "rmse")));
  metrics.Add({1}, {2});
  EXPECT_TRUE(std::isnan(MetricOf(metrics.Report().metrics(), "r2")));
  EXPECT_EQ(MetricOf(metrics.Report().metrics(), "rmse"), 1);
}

TEST(ClassMetrics, HasNoAreaOfOneLabelOnly) {
  ClassMetrics metrics({0.5, 0.5}, true);
  metrics.Add({1, 1}, {1, 0}, {0.9, 0.2});
  EXPECT_TRUE(std::isnan(MetricOf(metrics.Report().metrics(), "roc_auc")));
  EXPECT_EQ(MetricOf(metrics.Report().metrics(), "accuracy"), 0.5);
}

TEST(ClassMetrics, RefusesHostilePartials) {
  ClassMetrics good({0.5, 0.5}, true);
  good.Add({1, 0}, {1, 0}, {0.9, 0.2});
  const auto merge = [&](auto change) {
    pb::EvaluationPartial partial = good.ToProto();
    change(*partial.mutable_classes());
    return ReasonOf(ClassMetrics({0.5, 0.5}, true).Merge(partial));
  };
  EXPECT_EQ(merge([](pb::ClassSums&) {}), "");
  EXPECT_EQ(merge([](auto& sums) { sums.set_classes(3); }), "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.add_confusion(0); }), "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.set_confusion(0, -1); }),
            "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.set_confusion(0, INT64_MAX); }),
            "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.set_log_loss(NAN); }), "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.clear_scores(); }), "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.mutable_scores(0)->set_scores("x"); }),
            "BAD_PARTIAL");
  EXPECT_EQ(
      merge([](auto& sums) { sums.mutable_scores(0)->set_positives(0, 5); }),
      "BAD_PARTIAL");
  EXPECT_EQ(ReasonOf(good.Merge(pb::EvaluationPartial())), "BAD_PARTIAL");
}

TEST(RegressionMetrics, RefusesHostilePartials) {
  RegressionMetrics metrics(0, false);
  pb::EvaluationPartial partial;
  partial.mutable_regression()->set_rows(-1);
  EXPECT_EQ(ReasonOf(metrics.Merge(partial)), "BAD_PARTIAL");
  partial.mutable_regression()->set_rows(INT64_MAX);
  EXPECT_EQ(ReasonOf(metrics.Merge(partial)), "BAD_PARTIAL");
  partial.mutable_classes();
  EXPECT_EQ(ReasonOf(metrics.Merge(partial)), "BAD_PARTIAL");
}

}  // namespace
}  // namespace troupe::model
