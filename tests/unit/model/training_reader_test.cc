#include "services/model/training_reader.h"

#include <gmock/gmock.h>

#include "services/base/errors.h"
#include "services/model/training_memory.h"
#include "services/table/row_split.h"
#include "tests/unit/model/model_testing.h"

namespace troupe::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

absl::StatusOr<TrainingSet> Read(const std::string& params, Table table,
                                 ModelOptions options = TestOptions()) {
  const pb::ModelParams parsed = Params(params);
  const auto plan = PlanModel(parsed);
  if (!plan.ok()) return plan.status();
  auto reader = TrainingReader::Create(*plan, options, StartOf(parsed, table));
  if (!reader.ok()) return reader.status();
  const absl::Status status = (*reader)->Add(table);
  if (!status.ok()) return status;
  return (*reader)->Finish();
}

std::string Xgboost(const std::string& objective,
                    const std::string& more = "") {
  return "{\"model\":{\"xgboost\":{\"objective\":\"" + objective + "\"" + more +
         "}}}";
}

std::vector<std::string> Reasons(const TrainingSet& set) {
  std::vector<std::string> reasons;
  for (const pb::RejectedRow& row : set.rejected)
    reasons.push_back(std::to_string(row.row()) + " " + row.reason());
  return reasons;
}

TEST(TrainingReader, RefusesANegativeNumberOfRows) {
  const pb::ModelParams params = Params(Xgboost("regression"));
  pb::FitStart start = StartOf(params, LineTable(Column::FromDoubles({1, 2})));
  start.set_expected_rows(INT64_MIN);
  const auto reader =
      TrainingReader::Create(*PlanModel(params), TestOptions(), start);
  EXPECT_EQ(ReasonOf(reader.status()), "BAD_MESSAGE");
}

TEST(TrainingReader, RejectsRowsWithoutUsableTarget) {
  Table table = LineTable(Column::FromDoubles({1, NAN, INFINITY, 2, -1}));
  table.first_row = 100;
  const auto set = Read(Xgboost("count"), std::move(table));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->train.targets, ElementsAre(1, 2));
  EXPECT_THAT(Reasons(*set),
              ElementsAre("101 MISSING_TARGET", "102 INFINITE_TARGET",
                          "104 TARGET_OUT_OF_RANGE"));
}

TEST(TrainingReader, RejectsBadWeightsAndTakesTheOthers) {
  const auto set = Read(
      Xgboost("regression"),
      WithColumn(LineTable(Column::FromDoubles({1, 2, 3, 4, 5})), "w",
                 pb::WEIGHT, Column::FromDoubles({0.5, -1, NAN, INFINITY, 0})));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->train.weights, ElementsAre(0.5F, 0));
  EXPECT_THAT(Reasons(*set),
              ElementsAre("1 BAD_WEIGHT", "2 BAD_WEIGHT", "3 BAD_WEIGHT"));
}

TEST(TrainingReader, RejectsInfiniteFeaturesBeforeTheirLabelCounts) {
  Table table = LineTable(Texts({"a", "b", "c"}));
  table.features = Features(
      {"x", "z"}, {1, 0, 2, 0, 3, std::numeric_limits<float>::infinity()});
  const auto set = Read(Xgboost("binary"), std::move(table));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(Reasons(*set), ElementsAre("2 INFINITE_VALUE"));
  EXPECT_THAT(set->labels.names(), ElementsAre("a", "b"));
}

TEST(TrainingReader, NumbersClassesInSortedOrder) {
  const auto set =
      Read(Xgboost("multiclass"), LineTable(Texts({"m", "z", "a", "m"})));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->train.targets, ElementsAre(1, 2, 0, 1));
  EXPECT_THAT(set->constant.class_rows(), ElementsAre(1, 2, 1));
}

TEST(TrainingReader, SplitsByOrdinalAndPassesTestRowsOver) {
  const std::string params =
      R"({"model":{"xgboost":{"objective":"regression","early_stopping":2}},
          "split":{"test":0.3,"validation":0.3,"seed":5}})";
  std::vector<double> ordinals;
  for (int i = 0; i < 200; ++i) ordinals.push_back(i);
  const auto set = Read(params, LineTable(Column::FromDoubles(ordinals)));
  ASSERT_TRUE(set.ok()) << set.status();
  const pb::SplitSpec split = Params(params).split();
  for (const double row : set->train.targets)
    EXPECT_EQ(RoleOfRow(split, static_cast<int64_t>(row)), RowRole::kTrain);
  for (const double row : set->validation.targets)
    EXPECT_EQ(RoleOfRow(split, static_cast<int64_t>(row)),
              RowRole::kValidation);
  EXPECT_GT(set->validation.rows(), 30);
  EXPECT_LT(set->train.rows() + set->validation.rows(), 170);
  EXPECT_EQ(set->train.features->rows(), set->train.rows());
}

TEST(TrainingReader, SpoolsFeaturesRowByRow) {
  auto set =
      Read(Xgboost("regression"), LineTable(Column::FromDoubles({5, NAN, 7})));
  ASSERT_TRUE(set.ok()) << set.status();
  const auto values = set->train.features->Map();
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(absl::MakeConstSpan(*values, 4), ElementsAre(0, 0, 2, 0));
}

TEST(TrainingReader, RefusesOneLabelOnly) {
  const auto set = Read(Xgboost("binary"), LineTable(Texts({"a", "a"})));
  EXPECT_EQ(ReasonOf(set.status()), "TARGET_CONSTANT");
  EXPECT_THAT(set.status().message(), HasSubstr("\"y\""));
}

TEST(TrainingReader, WarnsOfAConstantNumber) {
  const auto set =
      Read(Xgboost("regression"), LineTable(Column::FromDoubles({4, 4})));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->warnings, ElementsAre(HasSubstr("is 4 in every")));
}

TEST(TrainingReader, RefusesAThirdLabelForBinary) {
  const auto set = Read(Xgboost("binary"), LineTable(Texts({"a", "b", "c"})));
  EXPECT_EQ(ReasonOf(set.status()), "TOO_MANY_LABELS");
  EXPECT_THAT(set.status().message(), HasSubstr("row 2"));
}

TEST(TrainingReader, RefusesToLearnFromNoRows) {
  EXPECT_EQ(ReasonOf(Read(Xgboost("binary"), LineTable(Texts({"?"}))).status()),
            "TOO_FEW_ROWS");
}

TEST(TrainingReader, RefusesTextForNumbersAndNamesIt) {
  const auto set = Read(Xgboost("regression"), LineTable(Texts({"a"})));
  EXPECT_EQ(MetadataOf(set.status())["field"], "roles.target");
  EXPECT_THAT(set.status().message(), HasSubstr("\"y\""));
}

TEST(TrainingReader, RefusesBeforehandWhatCannotFit) {
  const pb::ModelParams params = Params(Xgboost("regression"));
  const auto plan = PlanModel(params);
  pb::FitStart start = StartOf(params, LineTable(Column::FromDoubles({1})));
  start.set_expected_rows(int64_t{1} << 60);
  const auto reader = TrainingReader::Create(*plan, TestOptions(), start);
  EXPECT_EQ(ReasonOf(reader.status()), "TRAINING_TOO_LARGE");
  EXPECT_EQ(MetadataOf(reader.status())["budget_bytes"], "1073741824");
}

TEST(TrainingReader, RefusesWhatGrowsTooLargeWhileItArrives) {
  const pb::ModelParams params = Params(Xgboost("regression"));
  const auto plan = PlanModel(params);
  const Table table = LineTable(Column::FromDoubles({1, 2, 3, 4}));
  pb::FitStart start = StartOf(params, table);
  start.set_expected_rows(0);
  ModelOptions options = TestOptions();
  options.training_budget_bytes = TrainingBytes(6, 2, 1);
  const auto reader = TrainingReader::Create(*plan, options, start);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_TRUE((*reader)->Add(table).ok());
  EXPECT_EQ(ReasonOf((*reader)->Add(table)), "TRAINING_TOO_LARGE");
}

// Two features of a table of `rows`: one of different values, one constant.
absl::Status ReadWithin(int64_t budget_bytes, int rows,
                        const std::string& parameters) {
  ModelOptions options = TestOptions();
  options.training_budget_bytes = budget_bytes;
  std::vector<double> targets(static_cast<size_t>(rows), 1);
  targets[0] = 0;
  return Read(Xgboost("regression", parameters),
              LineTable(Column::FromDoubles(targets)), options)
      .status();
}

TEST(TrainingReader, CountsTheHistogramsOfDeepTrees) {
  // 8,191 nodes of 300 bins and one bin; 2,048 of them are divided at once.
  const std::string deep = R"(,"max_depth":12,"params":{"max_bin":300})";
  const int64_t rows = TrainingBytes(5000, 2, 1);
  const int64_t need = rows + int64_t{8191} * 301 * 16 + int64_t{2048} * 32768;
  EXPECT_TRUE(ReadWithin(need, 5000, deep).ok());
  const absl::Status refused = ReadWithin(need - 1, 5000, deep);
  EXPECT_EQ(ReasonOf(refused), "TRAINING_TOO_LARGE");
  EXPECT_EQ(MetadataOf(refused)["need_bytes"], std::to_string(need));
  EXPECT_THAT(refused.message(), HasSubstr("max_depth"));
  EXPECT_TRUE(
      ReadWithin(need - 1, 5000, R"(,"max_depth":11,"params":{"max_bin":300})")
          .ok());
}

TEST(TrainingReader, TreesWithoutALimitHaveAsManyNodesAsRowsAllow) {
  const std::string endless = R"(,"max_depth":0)";
  const int64_t need =
      TrainingBytes(200, 2, 1) + int64_t{400} * 201 * 16 + int64_t{100} * 32768;
  EXPECT_TRUE(ReadWithin(need, 200, endless).ok());
  EXPECT_FALSE(ReadWithin(need - 1, 200, endless).ok());
  EXPECT_TRUE(
      ReadWithin(need - 1, 200, R"(,"max_depth":0,"params":{"max_leaves":31})")
          .ok());
}

TEST(TrainingReader, RefusesTablesWithOtherFeatures) {
  const pb::ModelParams params = Params(Xgboost("regression"));
  const auto plan = PlanModel(params);
  const ModelOptions options = TestOptions();
  Table table = LineTable(Column::FromDoubles({1}));
  const auto reader =
      TrainingReader::Create(*plan, options, StartOf(params, table));
  ASSERT_TRUE(reader.ok()) << reader.status();
  table.features->names = {"z", "x"};
  EXPECT_EQ(ReasonOf((*reader)->Add(table)), "BAD_TABLE");
}

TEST(TrainingReader, BalancesClassesOverTrainingRows) {
  const auto set = Read(Xgboost("binary", R"(,"class_weight":"balanced")"),
                        LineTable(Texts({"a", "b", "b", "b"})));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->train.weights,
              ElementsAre(2.0F, 2.0F / 3, 2.0F / 3, 2.0F / 3));
}

TEST(TrainingReader, NamesAScratchDirectoryThatCannotBeWritten) {
  ModelOptions options = TestOptions();
  options.scratch_dir = "/nowhere";
  const auto set =
      Read(Xgboost("regression"), LineTable(Column::FromDoubles({1})), options);
  EXPECT_EQ(ReasonOf(set.status()), "SCRATCH_FAILED");
  EXPECT_THAT(set.status().message(), HasSubstr("/nowhere"));
}

}  // namespace
}  // namespace troupe::model
