// Fits equal those of Python's XGBoost: predictions, best round and score,
// importance.
#include <gmock/gmock.h>
#include <xgboost/c_api.h>

#include <cmath>
#include <limits>

#include "tests/unit/model/model_testing.h"

namespace troupe::model {
namespace {

constexpr int kTolerancePerMillion = 1;

std::vector<float> FeatureValues(const Json& golden) {
  std::vector<float> values;
  for (const Json& row : At(golden, "features").list_value().values())
    for (const Json& value : row.list_value().values())
      values.push_back(value.kind_case() == Json::kNullValue
                           ? std::numeric_limits<float>::quiet_NaN()
                           : static_cast<float>(value.number_value()));
  return values;
}

Table TableOf(const Json& golden, const Json& spec) {
  Table table;
  table.features =
      Features({"a [m]", "b<2", "c", "d", "e"}, FeatureValues(golden));
  table.rows = table.features->rows;
  table.schema = {{"y", pb::FLOAT64, pb::TARGET}};
  table.columns.push_back(Column::FromDoubles(Numbers(At(spec, "target"))));
  if (!Has(spec, "weight")) return table;
  return WithColumn(std::move(table), "w", pb::WEIGHT,
                    Column::FromDoubles(Numbers(At(spec, "weight"))));
}

// The scores of a prediction, in the golden file's order.
std::vector<double> ScoresOf(const Table& table) {
  const size_t labels = table.columns.size() - 1;
  std::vector<double> scores;
  for (int64_t i = 0; i < table.rows; ++i) {
    const auto row = static_cast<size_t>(i);
    if (labels <= 2) {
      scores.push_back(table.columns[labels].doubles()[row]);
    } else {
      for (size_t label = 1; label <= labels; ++label)
        scores.push_back(table.columns[label].doubles()[row]);
    }
  }
  return scores;
}

std::string JsonText(const Json& json) {
  std::string text;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(json, &text).ok());
  return text;
}

class TrainingGolden : public ::testing::TestWithParam<int> {};

TEST_P(TrainingGolden, EqualsPython) {
  int major = 0;
  int minor = 0;
  XGBoostVersion(&major, &minor, nullptr);
  if (major != 1) GTEST_SKIP() << "the golden file is of XGBoost 1.7";
  const Json golden = ReadGolden("model_training.json");
  const Json& spec = At(golden, "cases").list_value().values(GetParam());
  SCOPED_TRACE(At(spec, "name").string_value());
  Model model(TestOptions());
  const pb::FitResult fitted =
      FitAndPut(model, JsonText(At(spec, "params")), TableOf(golden, spec));
  EXPECT_EQ(fitted.rounds(), At(spec, "rounds").number_value());
  if (Has(spec, "best_score")) {
    EXPECT_EQ(fitted.best_score(), At(spec, "best_score").number_value());
  }

  const auto predicted = Predict(model, TableOf(golden, spec),
                                 R"({"output":{"probabilities":true}})");
  ASSERT_TRUE(predicted.ok()) << predicted.status();
  const std::vector<double> scores = ScoresOf(*predicted);
  const std::vector<double> expected = Numbers(At(spec, "prediction"));
  ASSERT_EQ(scores.size(), expected.size());
  for (size_t i = 0; i < scores.size(); ++i)
    ASSERT_NEAR(scores[i], expected[i], kTolerancePerMillion * 1e-6) << i;

  const std::vector<double> shares = Numbers(At(spec, "importance"));
  for (const pb::Importance& importance : fitted.importance()) {
    const size_t feature = static_cast<size_t>(importance.feature()[0] - 'a');
    EXPECT_NEAR(importance.share(), shares[feature], 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, TrainingGolden, ::testing::Range(0, 11));

}  // namespace
}  // namespace troupe::model
