// The fitting loop: passes, replicas, hostile partials and artifacts.
#include <random>

#include "gmock/gmock.h"
#include "google/protobuf/stubs/logging.h"
#include "tests/unit/preprocessor/columns.h"
#include "tests/unit/preprocessor/fit_loop.h"

namespace troupe::preprocessor {
namespace {

using ::testing::ElementsAre;

Table Random(int64_t rows) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal(5, 2);
  std::vector<double> a;
  std::vector<double> b;
  std::vector<std::optional<std::string>> c;
  for (int64_t i = 0; i < rows; ++i) {
    a.push_back(random() % 10 == 0 ? kNaN : normal(random));
    b.push_back(std::exp(normal(random)));
    c.push_back("c" + std::to_string(random() % 7));
  }
  return TableMaker()
      .Add("a", Doubles(std::move(a)))
      .Add("b", Doubles(std::move(b)))
      .Add("c", Texts(c))
      .Make();
}

constexpr char kSteps[] =
    "steps { impute { columns { names: 'a' } strategy: MEDIAN indicator: true "
    "} } "
    "steps { robust { columns { names: 'b' } } } "
    "steps { one_hot { columns { names: 'c' } } } "
    "steps { standardize { columns { names: 'a' names: 'b' names: 'c_*' } } } "
    "makes_features: true";

TEST(Fitting, ReplicasAndSingleProcessAgreeToTheBit) {
  const Table table = Random(5000);
  FitLoop alone(Params(kSteps));
  FitLoop many(Params(kSteps), {.batch_rows = 101, .group = 3, .replicas = 5});
  ASSERT_TRUE(alone.Fit(table).ok());
  ASSERT_TRUE(many.Fit(table).ok());
  EXPECT_EQ(alone.artifact_bytes(), many.artifact_bytes());
}

TEST(Fitting, NothingDependsOnBatches) {
  const std::string steps =
      "steps { robust { columns { names: 'a' names: 'b' } } } "
      "steps { standardize { columns { names: 'a' names: 'b' } } } "
      "steps { impute { columns { names: 'a' } strategy: MEAN } } "
      "steps { one_hot { columns { names: 'c' } } }";
  FitLoop one(Params(steps));
  FitLoop many(Params(steps), {.batch_rows = 13, .group = 2});
  ASSERT_TRUE(one.Fit(Random(999)).ok());
  ASSERT_TRUE(many.Fit(Random(999)).ok());
  EXPECT_EQ(one.artifact_bytes(), many.artifact_bytes());
}

TEST(Fitting, IndependentColumnsShareAPass) {
  FitLoop loop(Params(kSteps));
  ASSERT_TRUE(loop.Fit(Random(100)).ok());
  EXPECT_EQ(loop.passes(), 2);
}

TEST(Fitting, ForeseesItsPasses) {
  FitLoop loop(Params(kSteps));
  ASSERT_TRUE(loop.Fit(Random(100)).ok());
  EXPECT_THAT(loop.foreseen(), ElementsAre("2", "2"));
  // Each learns from what the one before made.
  FitLoop chain(
      Params("steps { standardize { columns { names: 'a' } } } "
             "steps { robust { columns { names: 'a' } } } "
             "steps { one_hot { columns { names: 'c' } } } "
             "steps { min_max { columns { names: 'a' names: 'c_*' } } }"));
  ASSERT_TRUE(chain.Fit(Random(100)).ok());
  EXPECT_THAT(chain.foreseen(), ElementsAre("3", "3", "3"));
  // What the last two work on is not known before.
  FitLoop vague(
      Params("steps { one_hot { columns { names: 'c' } } } "
             "steps { standardize { columns { names: 'c_*' } } } "
             "steps { min_max { columns { names: 'c_*' } } }"));
  ASSERT_TRUE(vague.Fit(Random(100)).ok());
  EXPECT_THAT(vague.foreseen(), ElementsAre("2 or more", "3", "3"));
}

TEST(Fitting, NothingToLearnTakesNoPass) {
  FitLoop loop(Params("steps { log1p { columns { names: 'b' } } }"));
  ASSERT_TRUE(loop.Fit(Random(10)).ok());
  EXPECT_EQ(loop.passes(), 0);
}

TEST(Fitting, NoStepsMakeAMatrix) {
  FitLoop loop(Params("makes_features: true"));
  const Table table = TableMaker()
                          .Add("a", Int64s({1, std::nullopt}))
                          .Add("b", Bools({true, false}))
                          .Make();
  ASSERT_TRUE(loop.Fit(table).ok());
  const auto out = loop.Transform(table, pb::MATRIX);
  ASSERT_TRUE(out.ok() && out->features.has_value());
  EXPECT_THAT(out->features->names, ElementsAre("a", "b"));
}

TEST(Fitting, LargeQuantilesAreExact) {
  // More values than one partial keeps.
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> values(1'700'001);
  for (double& value : values) value = normal(random);
  std::vector<double> sorted = values;
  std::nth_element(sorted.begin(), sorted.begin() + 850'000, sorted.end());
  FitLoop loop(Params("steps { impute { columns { all: true } strategy: MEDIAN "
                      "} }"),
               {.batch_rows = 100'000});
  values.push_back(kNaN);
  ASSERT_TRUE(loop.Fit(TableMaker().Add("x", Doubles(values)).Make()).ok());
  EXPECT_GT(loop.passes(), 1);
  EXPECT_EQ(loop.foreseen().front(), "1 or more");
  const auto out =
      loop.Transform(TableMaker().Add("x", Doubles({kNaN})).Make());
  EXPECT_EQ(out->columns[0].doubles()[0], sorted[850'000]);
}

TEST(Fitting, QuantilesThatAPassCannotHoldWaitForTheNext) {
  pb::FittedPreprocessor known;
  known.set_format(1);
  *known.mutable_params() =
      Params("steps { robust { columns { names: 'a' names: 'b' } } }")
          .preprocessor();
  *known.mutable_input() = ToProto(Random(1).schema);
  for (const char* column : {"a", "b"}) {
    pb::QuantileSearch* search = known.add_searches();
    search->set_column(column);
    for (uint64_t i = 0; i < 1'000'000; ++i) search->add_brackets()->set_low(i);
  }
  const auto plan = Plan::Make(known);
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ((*plan)->observations().size(), 1u);
  EXPECT_EQ((*plan)->observations()[0].field.name, "a");
  EXPECT_FALSE((*plan)->finished());
}

TEST(Fitting, EmptyTableSaysThatNoRowIsLeft) {
  const absl::Status status = FitLoop(Params(kSteps)).Fit(Random(0));
  EXPECT_EQ(ReasonOf(status), "NO_TRAINING_ROWS");
}

TEST(Fitting, BatchesWithoutRowsDoNotMatter) {
  // Rows 0 to 9 are all rejected, so the first partial is empty.
  std::vector<double> values(20, kInfinity);
  for (size_t i = 10; i < 20; ++i) values[i] = static_cast<double>(i);
  const std::string steps = "steps { standardize { columns { all: true } } }";
  FitLoop loop(Params(steps), {.batch_rows = 10});
  ASSERT_TRUE(loop.Fit(TableMaker().Add("x", Doubles(values)).Make()).ok());
  const auto out =
      loop.Transform(TableMaker().Add("x", Doubles({14.5})).Make());
  EXPECT_EQ(out->columns[0].doubles()[0], 0);
}

// The state of a first pass, put on the loop's preprocessor.
std::string FirstState(FitLoop& loop, const std::string& steps,
                       const Table& table) {
  pb::MergeRequest request;
  *request.mutable_params() = Params(steps);
  *request.mutable_input() = ToProto(table.schema);
  request.set_last(true);
  auto merged = loop.preprocessor().Merge(request, NoContext());
  EXPECT_TRUE(merged.ok()) << merged.status();
  return *loop.Put(merged->state());
}

TEST(Fitting, PartialOfAnotherPassIsRefused) {
  FitLoop loop(Params(kSteps));
  const std::string state = FirstState(loop, kSteps, Random(1));
  pb::FitPartial partial;
  partial.set_format(2);
  partial.set_state("another");
  pb::MergeRequest request;
  request.set_state(state);
  request.add_partials(partial.SerializeAsString());
  EXPECT_EQ(ReasonOf(loop.preprocessor().Merge(request, NoContext()).status()),
            "BAD_MESSAGE");
}

TEST(Fitting, DamagedPartialsNeverCrash) {
  FitLoop loop(Params(kSteps));
  const Table table = Random(50);
  const std::string state = FirstState(loop, kSteps, table);
  pb::ObserveRequest observe;
  observe.set_state(state);
  observe.set_table(SerializeTable(table).value());
  const auto observed = loop.preprocessor().Observe(observe, NoContext());
  ASSERT_TRUE(observed.ok());
  const google::protobuf::LogSilencer silencer;
  std::mt19937_64 random(9);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = observed->partial();
    for (int k = 0; k < 3; ++k)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    pb::MergeRequest request;
    request.set_state(state);
    request.add_partials(bytes);
    request.add_partials(observed->partial());
    request.set_last(true);
    if (!loop.preprocessor().Merge(request, NoContext()).ok()) ++refused;
  }
  EXPECT_GT(refused, 100);
}

TEST(Artifact, DamagedOnesNeverCrash) {
  FitLoop loop(Params(kSteps));
  const Table table = Random(50);
  ASSERT_TRUE(loop.Fit(table).ok());
  const google::protobuf::LogSilencer silencer;
  std::mt19937_64 random(9);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = loop.artifact_bytes();
    for (int k = 0; k < 3; ++k)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto name = loop.Put(bytes);
    if (!name.ok()) {
      ++refused;
      continue;
    }
    pb::ProcessRequest request;
    request.set_artifact(*name);
    request.set_table(SerializeTable(table).value());
    (void)loop.preprocessor().Process(request, NoContext());
  }
  EXPECT_GT(refused, 100);
}

TEST(Fitting, NoValueIsTooLargeForMeanAndDeviation) {
  const Table table =
      TableMaker().Add("x", Doubles({1e308, 1.5e308, 1e308, 1.5e308})).Make();
  FitLoop loop(Params("steps { standardize { columns { all: true } } }"));
  const absl::Status status = loop.Fit(table);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(Numbers(loop.Transform(table)->columns[0]),
              ElementsAre(-1, 1, -1, 1));
}

// Row 0 is refused by log1p.
Table Refused() {
  return TableMaker()
      .Add("a", Doubles({-9, 1, 2, 3, 4}))
      .Add("b", Doubles({1000, 1, 2, 3, kNaN}))
      .Make();
}

// What `steps` make of the last missing value of `b`.
double FilledBy(const std::string& steps) {
  FitLoop loop(Params(steps));
  const absl::Status status = loop.Fit(Refused());
  EXPECT_TRUE(status.ok()) << status;
  const auto out = loop.Transform(Refused());
  EXPECT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(out->rows, 4);
  return Numbers(out->columns[1]).back();
}

constexpr char kFillB[] =
    "steps { impute { columns { names: 'b' } strategy: MEAN } } ";

TEST(Fitting, RowsThatAnEarlierStepRejectsTeachNothing) {
  const std::string log1p = "steps { log1p { columns { names: 'a' } } } ";
  EXPECT_EQ(FilledBy(log1p + kFillB), 2);
  EXPECT_EQ(FilledBy("steps { standardize { columns { names: 'a' } with_mean: "
                     "false with_std: false } } " +
                     log1p + kFillB),
            2);
  EXPECT_EQ(FilledBy("steps { impute { columns { names: 'a' } strategy: MEAN "
                     "} } " +
                     log1p + kFillB),
            2);
}

TEST(Fitting, EveryStepThatMayRejectIsWaitedFor) {
  const std::string scale =
      "steps { standardize { columns { names: 'a' } with_mean: false with_std: "
      "false } } ";
  EXPECT_EQ(FilledBy(scale +
                     "steps { cast { columns { names: 'a' } to: STRING } } "
                     "steps { ordinal { columns { names: 'a' } categories: "
                     "['1.0', '2.0', '3.0', '4.0'] } } " +
                     kFillB),
            2);
  EXPECT_EQ(FilledBy(scale +
                     "steps { clip { columns { names: 'a' } min: -1 } } "
                     "steps { log1p { columns { names: 'a' } } } " +
                     kFillB),
            2);
}

TEST(Fitting, RowsWithoutABinTeachTheNextStepsNothing) {
  const Table table = TableMaker()
                          .Add("a", Doubles({1, 2, 3, 4, 5, 6, kNaN, 8}))
                          .Add("c", Doubles({1, 2, 3, 4, 100, 200, 7, 8}))
                          .Make();
  FitLoop loop(
      Params("steps { min_max { columns { names: 'a' } } } "
             "steps { bucketize { columns { names: 'a' } bins: 2 } } "
             "steps { robust { columns { names: 'c' } } }"));
  ASSERT_TRUE(loop.Fit(table).ok());
  const auto out = loop.Transform(table);
  ASSERT_TRUE(out.ok()) << out.status();
  // Median 4 and quartiles 2.5 and 54 of the seven that are left.
  EXPECT_EQ(Numbers(out->columns[1])[3], 0);
  EXPECT_EQ(Numbers(out->columns[1])[4], (100 - 4) / (54 - 2.5));
}

// The names of the columns that `steps` leave of `table`.
std::vector<std::string> NamesAfter(const std::string& steps,
                                    const Table& table) {
  FitLoop loop(Params(steps));
  const absl::Status status = loop.Fit(table);
  EXPECT_TRUE(status.ok()) << status;
  const auto out = loop.Transform(table);
  EXPECT_TRUE(out.ok()) << out.status();
  return out.ok() ? Names(out->schema) : std::vector<std::string>();
}

Table Plans() {
  return TableMaker()
      .Add("plan", Texts({"basic", "pro", "basic", "max"}))
      .Add("n", Doubles({1, 2, kNaN, 4}))
      .Make();
}

constexpr char kOneHotPlan[] =
    "steps { one_hot { columns { names: 'plan' } } } ";
constexpr char kIndicator[] =
    "steps { impute { columns { names: 'n' } strategy: MEAN indicator: true } "
    "} ";

TEST(Fitting, ColumnsThatAStepWillMakeCanBeRenamedAndDropped) {
  EXPECT_THAT(NamesAfter(std::string(kOneHotPlan) +
                             "steps { rename { columns { key: 'plan_basic' "
                             "value: 'basic' } } } "
                             "steps { drop { columns { names: 'basic' } } }",
                         Plans()),
              ElementsAre("plan_max", "plan_pro", "n"));
  EXPECT_THAT(NamesAfter(std::string(kIndicator) +
                             "steps { rename { columns { key: "
                             "'missingindicator_n' value: 'was' } } } "
                             "steps { keep { columns { names: 'n' names: "
                             "'was' } } }",
                         Plans()),
              ElementsAre("n", "was"));
}

TEST(Fitting, ColumnsThatAStepWillMakeCanBeTransformed) {
  const std::string drop_plan = "steps { drop { columns { names: 'plan' } } } ";
  EXPECT_THAT(
      NamesAfter(drop_plan + kIndicator +
                     "steps { one_hot { columns { names: 'missingindicator_n' "
                     "} } } steps { drop { columns { names: "
                     "'missingindicator_n_0.0' } } }",
                 Plans()),
      ElementsAre("n", "missingindicator_n_1.0"));
  EXPECT_THAT(
      NamesAfter(std::string(kOneHotPlan) + kIndicator +
                     "steps { rename { columns { key: 'plan_pro' value: 'p' } "
                     "} } steps { bucketize { columns { names: 'p' } bins: 2 "
                     "strategy: UNIFORM encode: ONE_HOT_CODE } } "
                     "steps { keep { columns { names: 'p_*' } } } "
                     "steps { log1p { columns { names: 'p_1.0' } } } "
                     "steps { rename { columns { key: 'p_1.0' value: 'pro' } } "
                     "} steps { standardize { columns { names: 'pro' } } }",
                 Plans()),
      ElementsAre("p_0.0", "pro"));
}

TEST(Fitting, NamesThatNeverAppearAreErrors) {
  FitLoop loop(
      Params(std::string(kOneHotPlan) +
             "steps { rename { columns { key: 'plan_bsic' value: 'b' } } } "
             "steps { drop { columns { names: 'b' } } }"));
  const absl::Status status = loop.Fit(Plans());
  EXPECT_EQ(ReasonOf(status), "UNKNOWN_COLUMN");
  EXPECT_EQ(MetadataOf(status).at("field"),
            "preprocessor.steps[1].rename.columns.plan_bsic");
  EXPECT_THAT(std::string(status.message()),
              ::testing::HasSubstr("did you mean \"plan_basic\""));
}

TEST(Fitting, ManyUnknownColumnsStayFew) {
  std::string steps = kOneHotPlan;
  for (int i = 0; i < 40; ++i)
    steps +=
        "steps { impute { columns { type: NUMBER } strategy: MEAN indicator: "
        "true } } ";
  EXPECT_THAT(NamesAfter(steps, Plans()),
              ElementsAre("plan_basic", "plan_max", "plan_pro", "n",
                          "missingindicator_n"));
}

TEST(Artifact, OtherFormatsAreRefused) {
  pb::FittedPreprocessor known;
  known.set_format(2);
  Preprocessor preprocessor;
  EXPECT_EQ(
      ReasonOf(preprocessor.LoadArtifact(known.SerializeAsString()).status()),
      "ARTIFACT_CORRUPT");
}

// Each output column would be named after the column.
TEST(Artifact, ALongNameTimesManyColumnsIsRefused) {
  pb::FittedPreprocessor known;
  known.set_format(1);
  known.set_complete(true);
  *known.mutable_params() =
      Params(R"(steps { one_hot { columns { names: "*" } } })").preprocessor();
  const std::string name(size_t{1} << 20, 'n');
  *known.mutable_input() = ToProto({{name, pb::STRING, pb::FEATURE}});
  pb::FittedColumn& column = *known.add_steps()->add_columns();
  column.set_name(name);
  for (int i = 0; i < 100; ++i) {
    column.mutable_categories()->add_keys(absl::StrCat(i));
    column.mutable_categories()->add_columns(i);
    column.mutable_categories()->add_suffixes(absl::StrCat(i));
  }
  column.mutable_categories()->set_infrequent(-1);
  Preprocessor preprocessor;
  EXPECT_EQ(
      ReasonOf(preprocessor.LoadArtifact(known.SerializeAsString()).status()),
      "ARTIFACT_CORRUPT");
}

// A step takes a few bytes, and a list of all columns in memory.
TEST(Artifact, ManyStepsOfManyColumnsAreRefused) {
  pb::FittedPreprocessor known;
  known.set_format(1);
  Schema input;
  for (int i = 0; i < 10'000; ++i)
    input.push_back({absl::StrCat("c", i), pb::FLOAT64, pb::FEATURE});
  *known.mutable_input() = ToProto(input);
  for (int i = 0; i < 250; ++i) {
    pb::Drop& drop = *known.mutable_params()->add_steps()->mutable_drop();
    drop.mutable_columns()->add_names("none");
    drop.set_optional(true);
  }
  Preprocessor preprocessor;
  EXPECT_EQ(
      ReasonOf(preprocessor.LoadArtifact(known.SerializeAsString()).status()),
      "BAD_SPEC");
}

TEST(Artifact, ClaimsOfCompletenessAreChecked) {
  pb::FittedPreprocessor known;
  known.set_format(1);
  known.set_complete(true);
  *known.mutable_params() = Params(kSteps).preprocessor();
  *known.mutable_input() = ToProto(Random(1).schema);
  Preprocessor preprocessor;
  EXPECT_FALSE(preprocessor.LoadArtifact(known.SerializeAsString()).ok());
}

}  // namespace
}  // namespace troupe::preprocessor
