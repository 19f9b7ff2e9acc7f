#include "services/model/model_plan.h"

#include <gmock/gmock.h>

#include "services/base/errors.h"
#include "services/model/backend.h"
#include "tests/unit/model/model_testing.h"

namespace troupe::model {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<ModelPlan> PlanXgboostWith(const std::string& fields) {
  return PlanModel(Params("{\"model\":{\"xgboost\":{\"objective\":\"binary\"," +
                          fields + "}}}"));
}

TEST(ModelPlan, FillsInDefaults) {
  const auto plan =
      PlanModel(Params(R"({"model":{"xgboost":{"objective":"regression"}}})"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->rounds, 100);
  EXPECT_EQ(plan->objective.name, "reg:squarederror");
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"max_depth", "6"}, {"eta", "0.3"}};
  EXPECT_EQ(plan->parameters, expected);
}

TEST(ModelPlan, WritesNumbersAsPythonDoes) {
  const auto plan =
      PlanXgboostWith(R"("params":{"gamma":0.05,"lambda":2,"alpha":1e-5})");
  ASSERT_TRUE(plan.ok()) << plan.status();
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"max_depth", "6"},
      {"eta", "0.3"},
      {"alpha", "1e-05"},
      {"gamma", "0.05"},
      {"lambda", "2"}};
  EXPECT_EQ(plan->parameters, expected);
}

TEST(ModelPlan, ADepthOfZeroIsNoLimit) {
  const auto plan = PlanXgboostWith(R"("max_depth":0)");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->parameters[0],
            (std::pair<std::string, std::string>("max_depth", "0")));
}

TEST(ModelPlan, NamesTheFieldThatIsOutOfRange) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"("rounds":0)", "model.xgboost.rounds"},
      {R"("max_depth":-1)", "model.xgboost.max_depth"},
      {R"("learning_rate":0)", "model.xgboost.learning_rate"},
      {R"("rounds":-1)", "model.xgboost.rounds"},
      {R"("rounds":100001)", "model.xgboost.rounds"},
      {R"("max_depth":31)", "model.xgboost.max_depth"},
      {R"("learning_rate":1.5)", "model.xgboost.learning_rate"},
      {R"("learning_rate":"NaN")", "model.xgboost.learning_rate"},
      {R"("early_stopping":5)", "model.xgboost.early_stopping"},
      {R"("metric":"rsme")", "model.xgboost.metric"},
      {R"("class_weight":"balance")", "model.xgboost.class_weight"},
      {R"("seed":"18446744073709551615")", "model.xgboost.seed"},
      {R"("params":{"nthread":4})", "model.xgboost.params.nthread"},
      {R"("params":{"booster":"gblinear"})", "model.xgboost.params.booster"},
      {R"("params":{"eta":0.1})", "model.xgboost.params.eta"},
      {R"("params":{"process_type":"update"})",
       "model.xgboost.params.process_type"},
      {R"("params":{"gama":0.1})", "model.xgboost.params.gama"},
      {R"("params":{"subsample":0})", "model.xgboost.params.subsample"},
      {R"("params":{"max_bin":2.5})", "model.xgboost.params.max_bin"},
      {R"("params":{"monotone_constraints":[2]})",
       "model.xgboost.params.monotone_constraints"},
  };
  for (const auto& [fields, field] : cases) {
    const auto plan = PlanXgboostWith(fields);
    ASSERT_FALSE(plan.ok()) << fields;
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FieldOf(plan.status()), field) << plan.status();
  }
}

TEST(ModelPlan, NamesTheNearestWord) {
  const auto objective =
      PlanModel(Params(R"({"model":{"xgboost":{"objective":"binari"}}})"));
  EXPECT_THAT(objective.status().message(), HasSubstr("mean \"binary\""));
  EXPECT_THAT(PlanXgboostWith(R"("metric":"logless")").status().message(),
              HasSubstr("mean \"logloss\""));
  EXPECT_THAT(PlanXgboostWith(R"("params":{"gama":1})").status().message(),
              HasSubstr("mean \"gamma\""));
}

TEST(ModelPlan, RefusesSplitsWithoutTrainingRows) {
  const std::string model = R"("model":{"baseline":{"objective":"binary"}})";
  const auto field = [&](const std::string& split) {
    return FieldOf(
        PlanModel(Params("{" + model + ",\"split\":" + split + "}")).status());
  };
  EXPECT_EQ(field(R"({"test":1})"), "split.test");
  EXPECT_EQ(field(R"({"validation":-0.1})"), "split.validation");
  EXPECT_EQ(field(R"({"test":0.5,"validation":0.5})"), "split.validation");
  EXPECT_EQ(field(R"({"test":0.5,"validation":0.4})"), "");
}

TEST(ModelPlan, RequiresBackendAndObjective) {
  EXPECT_EQ(FieldOf(PlanModel({}).status()), "model");
  EXPECT_EQ(FieldOf(PlanModel(Params(R"({"model":{"xgboost":{}}})")).status()),
            "model.xgboost.objective");
  EXPECT_EQ(FieldOf(PlanModel(Params(R"({"model":{"baseline":{}}})")).status()),
            "model.baseline.objective");
}

TEST(ModelPlan, LetsXgboostRefuseWhatOnlyItKnows) {
  const auto plan = PlanXgboostWith(R"("params":{"base_score":7})");
  ASSERT_TRUE(plan.ok()) << plan.status();
  const absl::Status status = (*Backends().Find("xgboost"))->Check(*plan);
  EXPECT_EQ(ReasonOf(status), "XGBOOST_FAILED");
  EXPECT_THAT(status.message(), HasSubstr("base_score"));
}

TEST(ModelPlan, EveryObjectiveAndMetricIsOneThatXgboostTakes) {
  for (const char* objective :
       {"regression", "absolute", "count", "binary", "multiclass",
        "reg:pseudohubererror", "reg:squaredlogerror", "reg:logistic",
        "reg:gamma", "reg:tweedie", "multi:softmax"}) {
    for (const char* metric :
         {"rmse", "rmsle", "mae", "mape", "mphe", "poisson-nloglik",
          "gamma-nloglik", "gamma-deviance", "logloss", "error", "auc", "aucpr",
          "mlogloss", "merror"}) {
      const auto plan = PlanModel(Params(
          std::string(R"({"model":{"xgboost":{"rounds":1,"objective":")") +
          objective + R"(","metric":")" + metric + "\"}}}"));
      if (!plan.ok()) continue;  // Not for this objective.
      const absl::Status status = (*Backends().Find("xgboost"))->Check(*plan);
      EXPECT_TRUE(status.ok()) << objective << " " << metric << status;
    }
  }
}

}  // namespace
}  // namespace troupe::model
