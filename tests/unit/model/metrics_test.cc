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
  LabelledRows rows;
  for (size_t i = begin; i < end; ++i) {
    const auto row = scores.begin() + static_cast<int64_t>(i * width);
    rows.predicted.push_back(
        binary ? *row >= 0.5
               : static_cast<int>(
                     std::max_element(row, row + static_cast<int64_t>(width)) -
                     row));
  }
  rows.truth.assign(truth.begin() + static_cast<int64_t>(begin),
                    truth.begin() + static_cast<int64_t>(end));
  rows.scores.assign(scores.begin() + static_cast<int64_t>(begin * width),
                     scores.begin() + static_cast<int64_t>(end * width));
  ClassMetrics metrics(shares, binary, false);
  EXPECT_TRUE(metrics.Add(rows).ok());
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
  RegressionMetrics joined(constant, counts, false);
  for (const auto& [begin, end] :
       {std::pair<int64_t, int64_t>{0, 30}, {30, 31}, {31, 31}, {31, 90}}) {
    RegressionMetrics part(constant, counts, false);
    part.Add({truth.begin() + begin, truth.begin() + end},
             {scores.begin() + begin, scores.begin() + end}, {});
    ASSERT_TRUE(joined.Merge(part.ToProto()).ok());
  }
  ExpectMetrics(At(golden, "expected"), joined.Report().metrics());
  ExpectMetrics(At(golden, "baseline"), joined.Report().baseline());
}

INSTANTIATE_TEST_SUITE_P(Metrics, RegressionGolden,
                         ::testing::Values("regression", "count"));

TEST(RegressionMetrics, HasNoR2OfOneRowAndNothingOfNone) {
  RegressionMetrics metrics(0, false, false);
  EXPECT_TRUE(std::isnan(MetricOf(metrics.Report().metrics(), "rmse")));
  metrics.Add({1}, {2}, {});
  EXPECT_TRUE(std::isnan(MetricOf(metrics.Report().metrics(), "r2")));
  EXPECT_EQ(MetricOf(metrics.Report().metrics(), "rmse"), 1);
}

// Of `targets`, in batches of `batch`, all predicted to be `prediction`.
pb::Evaluation OfConstantPrediction(const std::vector<double>& targets,
                                    size_t batch, double prediction) {
  RegressionMetrics joined(0.3, false, false);
  for (size_t begin = 0; begin < targets.size(); begin += batch) {
    const size_t end = std::min(targets.size(), begin + batch);
    RegressionMetrics part(0.3, false, false);
    part.Add({targets.begin() + static_cast<int64_t>(begin),
              targets.begin() + static_cast<int64_t>(end)},
             std::vector<double>(end - begin, prediction), {});
    const absl::Status status = joined.Merge(part.ToProto());
    EXPECT_TRUE(status.ok()) << status;
  }
  return joined.Report();
}

TEST(RegressionMetrics, ConstantTargetsHaveTheR2OfScikitLearn) {
  for (const double target : {0.0, 0.1, -1e300, 1e-300}) {
    const std::vector<double> targets(3000, target);
    for (const size_t batch : {1u, 7u, 3000u}) {
      EXPECT_EQ(
          MetricOf(OfConstantPrediction(targets, batch, 5).metrics(), "r2"), 0);
      EXPECT_EQ(MetricOf(OfConstantPrediction(targets, batch, target).metrics(),
                         "r2"),
                1);
    }
  }
}

TEST(RegressionMetrics, BatchesOfOneValueAndSortedTargetsChangeNoBit) {
  std::vector<double> targets;
  for (int i = 0; i < 9000; ++i) targets.push_back(0.1 * (i / 1000));
  const pb::Evaluation whole = OfConstantPrediction(targets, 9000, 0.25);
  for (const size_t batch : {1u, 10u, 1000u})
    EXPECT_EQ(OfConstantPrediction(targets, batch, 0.25).SerializeAsString(),
              whole.SerializeAsString());
  // Nine steps of 0.1 around 0.4: variance 1/15.
  EXPECT_NEAR(MetricOf(whole.metrics(), "r2"),
              1 - (1.0 / 15 + 0.15 * 0.15) / (1.0 / 15), 1e-13);
}

TEST(RegressionMetrics, NarrowTargetsFarFromTheConstantKeepTheirDigits) {
  std::vector<double> targets;
  for (int i = 0; i < 1001; ++i) targets.push_back(0x1p40 + i * 0x1p-10);
  // All errors are those from the mean, so R2 is 0.
  const pb::Evaluation report =
      OfConstantPrediction(targets, 100, 0x1p40 + 500 * 0x1p-10);
  EXPECT_NEAR(MetricOf(report.metrics(), "r2"), 0, 1e-13);
}

TEST(RegressionMetrics, HugeTargetsDoNotOverflow) {
  RegressionMetrics metrics(0, false, false);
  metrics.Add({1e200, 2e200, 3e200}, {1e200, 2e200, 2.5e200}, {});
  EXPECT_NEAR(MetricOf(metrics.Report().metrics(), "r2"), 0.875, 1e-13);
}

TEST(RegressionMetrics, AWeightStandsForSoManyRows) {
  RegressionMetrics weighted(0.5, true, true);
  weighted.Add({1, 2, 4, 9}, {1.5, 2.5, 3, 1}, {2, 1, 3, 0});
  RegressionMetrics repeated(0.5, true, false);
  repeated.Add({1, 1, 2, 4, 4, 4}, {1.5, 1.5, 2.5, 3, 3, 3}, {});
  const pb::Evaluation report = weighted.Report();
  EXPECT_TRUE(report.weighted());
  EXPECT_EQ(report.rows(), 4);
  for (const char* metric : {"rmse", "mae", "r2", "poisson_deviance"}) {
    EXPECT_NEAR(MetricOf(report.metrics(), metric),
                MetricOf(repeated.Report().metrics(), metric), 1e-15);
    EXPECT_NEAR(MetricOf(report.baseline(), metric),
                MetricOf(repeated.Report().baseline(), metric), 1e-15);
  }
}

TEST(ClassMetrics, AWeightStandsForSoManyRows) {
  const std::vector<double> shares = {0.2, 0.3, 0.5};
  ClassMetrics weighted(shares, false, true);
  ASSERT_TRUE(
      weighted
          .Add({{0, 1, 2, -1, 0},
                {{3, "rare"}},
                {0, 2, 2, 1, 1},
                {.7, .2, .1, .1, .3, .6, .2, .2, .6, .3, .4, .3, .2, .5, .3},
                {2, 1, 1, 2, 0}})
          .ok());
  ClassMetrics repeated(shares, false, false);
  ASSERT_TRUE(repeated
                  .Add({{0, 0, 1, 2, -1, -1},
                        {{4, "rare"}, {5, "rare"}},
                        {0, 0, 2, 2, 1, 1},
                        {.7, .2, .1, .7, .2, .1, .1, .3, .6, .2, .2, .6, .3, .4,
                         .3, .3, .4, .3},
                        {}})
                  .ok());
  ClassMetrics joined(shares, false, true);
  ASSERT_TRUE(joined.Merge(weighted.ToProto()).ok());
  const pb::Evaluation report = joined.Report();
  EXPECT_TRUE(report.weighted());
  EXPECT_EQ(report.rows(), 5);
  for (const char* metric : {"accuracy", "log_loss", "roc_auc", "f1"}) {
    EXPECT_NEAR(MetricOf(report.metrics(), metric),
                MetricOf(repeated.Report().metrics(), metric), 1e-14)
        << metric;
    EXPECT_NEAR(MetricOf(report.baseline(), metric),
                MetricOf(repeated.Report().baseline(), metric), 1e-14)
        << metric;
  }
}

TEST(ClassMetrics, LabelsThatWereNotLearnedCountAsWrong) {
  ClassMetrics metrics({0.5, 0.5}, false, false);
  ASSERT_TRUE(metrics
                  .Add({{0, 1, -1, -1},
                        {{2, "x"}, {3, "y"}},
                        {0, 1, 1, 0},
                        {.9, .1, .2, .8, .4, .6, .6, .4},
                        {}})
                  .ok());
  ClassMetrics joined({0.5, 0.5}, false, false);
  ASSERT_TRUE(joined.Merge(metrics.ToProto()).ok());
  const pb::Evaluation report = joined.Report();
  // scikit-learn's, with two columns of zeros beside the probabilities.
  EXPECT_EQ(MetricOf(report.metrics(), "accuracy"), 0.5);
  EXPECT_NEAR(MetricOf(report.metrics(), "f1"), (2 * 2.0 / 3) / 4, 1e-15);
  EXPECT_NEAR(MetricOf(report.metrics(), "log_loss"),
              (-std::log(.9) - std::log(.8) + 2 * 52 * std::log(2)) / 4, 1e-13);
  EXPECT_THAT(
      report.confusion(),
      ::testing::ElementsAre(1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0));
  EXPECT_EQ(joined.UnseenRows(),
            (std::map<std::string, int64_t>{{"x", 1}, {"y", 1}}));
}

TEST(ClassMetrics, HasNoAreaOfOneLabelOnly) {
  ClassMetrics metrics({0.5, 0.5}, true, false);
  ASSERT_TRUE(metrics.Add({{1, 1}, {}, {1, 0}, {0.9, 0.2}, {}}).ok());
  EXPECT_TRUE(std::isnan(MetricOf(metrics.Report().metrics(), "roc_auc")));
  EXPECT_EQ(MetricOf(metrics.Report().metrics(), "accuracy"), 0.5);
}

TEST(ClassMetrics, RefusesHostilePartials) {
  ClassMetrics good({0.5, 0.5}, true, false);
  ASSERT_TRUE(good.Add({{1, 0}, {}, {1, 0}, {0.9, 0.2}, {}}).ok());
  const auto merge = [&](auto change) {
    pb::EvaluationPartial partial = good.ToProto();
    change(*partial.mutable_classes());
    return ReasonOf(ClassMetrics({0.5, 0.5}, true, false).Merge(partial));
  };
  EXPECT_EQ(merge([](pb::ClassSums&) {}), "");
  EXPECT_EQ(merge([](auto& sums) { sums.set_classes(3); }), "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.add_confusion(0); }), "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.set_confusion(0, -1); }),
            "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.set_confusion(0, INT64_MAX); }),
            "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.set_log_loss("n"); }), "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.set_weighted(true); }), "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.add_hits(); }), "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.add_unseen()->set_name("x"); }),
            "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) {
              for (int i = 0; i <= 1000; ++i)
                sums.add_unseen()->set_name("malformed, so not looked at");
            }),
            "TOO_MANY_LABELS");
  EXPECT_EQ(merge([](auto& sums) { sums.clear_scores(); }), "BAD_PARTIAL");
  EXPECT_EQ(merge([](auto& sums) { sums.mutable_scores(0)->set_scores("x"); }),
            "BAD_PARTIAL");
  EXPECT_EQ(
      merge([](auto& sums) { sums.mutable_scores(0)->set_positives(0, 5); }),
      "BAD_PARTIAL");
  EXPECT_EQ(ReasonOf(good.Merge(pb::EvaluationPartial())), "BAD_PARTIAL");
}

TEST(RegressionMetrics, RefusesHostilePartials) {
  RegressionMetrics metrics(0, false, false);
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
