#include "services/model/model.h"

#include <gmock/gmock.h>

#include <cmath>
#include <thread>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "tests/testing/rejected.h"
#include "tests/unit/model/model_testing.h"

namespace troupe::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kBinary[] =
    R"({"model":{"xgboost":{"objective":"binary","rounds":20,"max_depth":2,
        "params":{"min_child_weight":0}}}})";
constexpr char kBaseline[] = R"({"model":{"baseline":{"objective":"binary"}}})";
constexpr char kRegression[] =
    R"({"model":{"xgboost":{"objective":"regression","rounds":50,
        "params":{"min_child_weight":0,"lambda":0}}}})";

// "no" below x = 5, "yes" from there on.
Table YesNoTable() {
  return LineTable(
      Texts({"no", "no", "no", "no", "no", "yes", "yes", "yes", "yes", "yes"}));
}

absl::StatusOr<pb::DescribeResponse> DescribeModel(
    Model& model, const std::string& params, const Schema& input,
    const std::string& artifact = "") {
  pb::DescribeRequest request;
  *request.mutable_params()->mutable_model() = Params(params);
  *request.mutable_input() = ToProto(input);
  request.set_artifact(artifact);
  return model.Describe(request, AnyContext());
}

absl::StatusOr<pb::ObserveResponse> ObserveTable(Model& model, Table table) {
  pb::ObserveRequest request;
  request.set_purpose(pb::EVALUATION);
  request.set_artifact("fitted");
  request.set_table(SerializeTable(std::move(table)).value());
  return model.Observe(request, AnyContext());
}

absl::StatusOr<pb::MergeResponse> MergePartials(
    Model& model, const std::vector<std::string>& partials, bool last) {
  pb::MergeRequest request;
  request.set_purpose(pb::EVALUATION);
  request.set_artifact("fitted");
  for (const std::string& partial : partials) request.add_partials(partial);
  request.set_last(last);
  return model.Merge(request, AnyContext());
}

std::vector<std::string> TextsOf(const Column& column) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < column.rows(); ++i)
    texts.emplace_back(column.text(i));
  return texts;
}

TEST(Model, IsFittedByFit) {
  Model model(TestOptions());
  const auto response = DescribeModel(
      model, kBinary,
      {{"id", pb::INT64, pb::CARRY}, {"y", pb::STRING, pb::TARGET}});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->fitting(), pb::BY_FIT);
  ASSERT_EQ(response->output().fields_size(), 2);
  EXPECT_EQ(response->output().fields(1).type(), pb::STRING);
}

TEST(Model, DescribesItsOutputOnceFitted) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  const auto response = DescribeModel(
      model, R"({"output":{"probabilities":true}})",
      {{"id", pb::INT64, pb::CARRY}, {"x", pb::FLOAT64, pb::FEATURE}},
      "fitted");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->fitting(), pb::NO_FITTING);
  EXPECT_EQ(response->evaluator(), "troupe");
  std::vector<std::string> names;
  for (const pb::Field& field : response->output().fields())
    names.push_back(field.name());
  EXPECT_THAT(names, ElementsAre("id", "prediction", "probability_no",
                                 "probability_yes"));
  EXPECT_EQ(response->output_bytes_per_row(), 9 + 5 + 9 + 9);
}

TEST(Model, DescribeNamesTheWrongField) {
  Model model(TestOptions());
  const Schema text = {{"y", pb::STRING, pb::TARGET}};
  EXPECT_EQ(FieldOf(DescribeModel(model, kRegression, text).status()),
            "roles.target");
  EXPECT_EQ(FieldOf(DescribeModel(model, kBinary, {}).status()),
            "roles.target");
  EXPECT_EQ(FieldOf(DescribeModel(model, kBinary,
                                  {{"y", pb::STRING, pb::TARGET},
                                   {"w", pb::STRING, pb::WEIGHT}})
                        .status()),
            "roles.weight");
  EXPECT_EQ(FieldOf(DescribeModel(model,
                                  R"({"model":{"baseline":{"objective":
                                  "binary"}},"output":{"threshold":1}})",
                                  text)
                        .status()),
            "output.threshold");
}

TEST(Model, RefusesOutputColumnsOfOneName) {
  Model model(TestOptions());
  const auto response = DescribeModel(
      model, kBinary,
      {{"prediction", pb::INT64, pb::CARRY}, {"y", pb::STRING, pb::TARGET}});
  EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Model, PredictsTheLabelsThatItLearned) {
  Model model(TestOptions());
  const pb::FitResult fitted = FitAndPut(model, kBinary, YesNoTable());
  EXPECT_THAT(fitted.labels(), ElementsAre("no", "yes"));
  const auto out = Predict(model, YesNoTable());
  ASSERT_TRUE(out.ok()) << out.status();
  ASSERT_EQ(out->schema.size(), 1U);
  EXPECT_EQ(out->schema[0], (Field{"prediction", pb::STRING, pb::OUTPUT}));
  EXPECT_EQ(TextsOf(out->columns[0]), TextsOf(YesNoTable().columns[0]));
}

TEST(Model, KeepsCarriedColumnsAndOrdinalsAndDropsTheTarget) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  Table table =
      WithColumn(LineTable(Texts({"?", "?"})), "id", pb::CARRY, Ints({7, 8}));
  table.row_ids = {40, 42};
  const auto out = Predict(model, std::move(table));
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(out->row_ids, ElementsAre(40, 42));
  ASSERT_EQ(out->schema.size(), 2U);
  EXPECT_EQ(out->schema[0].name, "id");
  EXPECT_THAT(out->columns[0].int64s(), ElementsAre(7, 8));
}

TEST(Model, TellsProbabilitiesThatSumToOne) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  const auto out =
      Predict(model, YesNoTable(), R"({"output":{"probabilities":true}})");
  ASSERT_TRUE(out.ok()) << out.status();
  ASSERT_EQ(out->columns.size(), 3U);
  for (size_t i = 0; i < 10; ++i)
    EXPECT_DOUBLE_EQ(
        out->columns[1].doubles()[i] + out->columns[2].doubles()[i], 1);
  EXPECT_GT(out->columns[1].doubles()[0], 0.5);
  EXPECT_GT(out->columns[2].doubles()[9], 0.5);
}

TEST(Model, MovesItsDecisionWithTheThreshold) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  const auto all =
      Predict(model, YesNoTable(), R"({"output":{"threshold":0.000001}})");
  EXPECT_THAT(TextsOf(all->columns[0]), ::testing::Each("yes"));
  const auto none =
      Predict(model, YesNoTable(), R"({"output":{"threshold":0.999999}})");
  EXPECT_THAT(TextsOf(none->columns[0]), ::testing::Each("no"));
}

TEST(Model, PredictsOnlyTheRowsAskedFor) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  pb::ProcessRequest request;
  request.set_artifact("fitted");
  request.set_table(SerializeTable(YesNoTable()).value());
  request.mutable_rows()->set_begin(4);
  request.mutable_rows()->set_end(6);
  const auto response = model.Process(request, AnyContext());
  ASSERT_TRUE(response.ok()) << response.status();
  const auto out = ParseTable(response->table());
  EXPECT_EQ(response->rows(), 2);
  EXPECT_THAT(TextsOf(out->columns[0]), ElementsAre("no", "yes"));
  EXPECT_EQ(out->first_row, 4);
}

TEST(Model, RefusesRowsBeyondTheTable) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  for (const auto& [begin, end] :
       {std::pair<int64_t, int64_t>{-1, 2}, {3, 2}, {0, 11}}) {
    pb::ProcessRequest request;
    request.set_artifact("fitted");
    request.set_table(SerializeTable(YesNoTable()).value());
    request.mutable_rows()->set_begin(begin);
    request.mutable_rows()->set_end(end);
    EXPECT_EQ(ReasonOf(model.Process(request, AnyContext()).status()),
              "BAD_MESSAGE");
  }
}

TEST(Model, PredictsNoRows) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  const auto out = Predict(model, YesNoTable().Slice(0, 0));
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(out->rows, 0);
}

TEST(Model, BindsFeaturesByName) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  Table table = YesNoTable();
  std::vector<float> values;
  for (int i = 0; i < 10; ++i)
    values.insert(values.end(), {77, 0, static_cast<float>(i)});
  table.features = Features({"other", "z", "x"}, values);
  const auto out = Predict(model, std::move(table));
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(TextsOf(out->columns[0]), TextsOf(YesNoTable().columns[0]));
}

TEST(Model, TakesFeaturesInDoublePrecision) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  Table table = YesNoTable();
  std::vector<double> values;
  for (int i = 0; i < 10; ++i)
    values.insert(values.end(), {static_cast<double>(i), 0.0});
  table.features->type = pb::FLOAT64;
  table.features->values.assign(reinterpret_cast<const char*>(values.data()),
                                values.size() * sizeof(double));
  const auto out = Predict(model, std::move(table));
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(TextsOf(out->columns[0]), TextsOf(YesNoTable().columns[0]));
}

TEST(Model, NamesTheFeatureThatIsMissing) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  Table table = YesNoTable();
  table.features->names = {"xx", "z"};
  const absl::Status status = Predict(model, std::move(table)).status();
  EXPECT_EQ(ReasonOf(status), "MISSING_FEATURE");
  EXPECT_THAT(status.message(), HasSubstr("\"x\""));
}

TEST(Model, AsksForTheArtifactThatItLacks) {
  Model model(TestOptions());
  EXPECT_EQ(ReasonOf(Predict(model, YesNoTable()).status()),
            "ARTIFACT_MISSING");
}

TEST(Model, RanksFeaturesByGain) {
  Model model(TestOptions());
  const pb::FitResult fitted = FitAndPut(model, kBinary, YesNoTable());
  ASSERT_EQ(fitted.importance_size(), 2);
  EXPECT_EQ(fitted.importance(0).feature(), "x");
  EXPECT_EQ(fitted.importance(0).share(), 1);
  EXPECT_EQ(fitted.importance(1).share(), 0);
}

TEST(Model, CountsRowsThatItLearnedFrom) {
  Model model(TestOptions());
  const pb::FitResult fitted = FitAndPut(
      model, kRegression, LineTable(Column::FromDoubles({1, NAN, 3, 4})));
  EXPECT_EQ(fitted.train_rows(), 3);
  EXPECT_EQ(fitted.rejected_size(), 1);
  EXPECT_EQ(fitted.rounds(), 50);
}

TEST(Model, LearnsTheSameFromAnyBatches) {
  Model model(TestOptions());
  std::vector<double> targets;
  for (int i = 0; i < 100; ++i) targets.push_back(i % 7 * i);
  const Table table = LineTable(Column::FromDoubles(targets));
  const pb::FitStart start = StartOf(Params(kRegression), table);
  FakeFitStream whole({table});
  FakeFitStream parts({table.Slice(0, 1), table.Slice(1, 60),
                       table.Slice(60, 60), table.Slice(60, 100)});
  const auto one = model.Fit(start, whole, AnyContext());
  const auto several = model.Fit(start, parts, AnyContext());
  ASSERT_TRUE(one.ok() && several.ok()) << one.status() << several.status();
  EXPECT_EQ(one->artifact, several->artifact);
}

TEST(Model, TellsEachRound) {
  Model model(TestOptions());
  const Table table = LineTable(Column::FromDoubles({1, 2, 3, 4}));
  FakeFitStream stream({table});
  const auto learned =
      model.Fit(StartOf(Params(kRegression), table), stream, AnyContext());
  ASSERT_TRUE(learned.ok()) << learned.status();
  ASSERT_GT(stream.told.size(), 1u);
  EXPECT_EQ(stream.told[0], 0);  // All rows are there.
  EXPECT_EQ(stream.told[1], 1);
  EXPECT_EQ(stream.told.back(), learned->result.rounds());
  EXPECT_EQ(stream.at_most, learned->result.rounds());
}

// Cancels after some tables, so that the fit itself has to notice.
class CancellingStream : public FakeFitStream {
 public:
  CancellingStream(std::vector<Table> tables,
                   std::shared_ptr<CancelToken> token)
      : FakeFitStream(std::move(tables)), token_(std::move(token)) {}
  absl::StatusOr<std::optional<std::string>> Next() override {
    auto next = FakeFitStream::Next();
    if (!next->has_value()) token_->Cancel();
    return next;
  }

 private:
  const std::shared_ptr<CancelToken> token_;
};

TEST(Model, StopsLearningWhenTheCallerLeft) {
  Model model(TestOptions());
  const auto token = std::make_shared<CancelToken>();
  CancellingStream stream({YesNoTable()}, token);
  const auto fitted = model.Fit(StartOf(Params(kBinary), YesNoTable()), stream,
                                Context({}, token));
  EXPECT_EQ(fitted.status().code(), absl::StatusCode::kCancelled);
}

TEST(Model, StopsLearningBetweenRounds) {
  Model model(TestOptions());
  const auto token = std::make_shared<CancelToken>();
  FakeFitStream stream({YesNoTable()});
  std::thread canceller([&] { token->Cancel(); });
  const auto fitted =
      model.Fit(StartOf(Params(R"({"model":{"xgboost":{"objective":"binary",
                         "rounds":100000}}})"),
                        YesNoTable()),
                stream, Context({}, token));
  canceller.join();
  EXPECT_EQ(fitted.status().code(), absl::StatusCode::kCancelled);
}

TEST(Model, SaysWhenEarlyStoppingFindsNoValidationRows) {
  Model model(TestOptions());
  const auto fitted = FitTable(
      model,
      R"({"model":{"xgboost":{"objective":"binary","early_stopping":2}},
          "split":{"validation":0.0001}})",
      YesNoTable());
  EXPECT_EQ(ReasonOf(fitted.status()), "TOO_FEW_ROWS");
}

TEST(Model, RefusesConstraintsOnFeaturesThatDoNotExist) {
  Model model(TestOptions());
  for (const char* params : {R"({"interaction_constraints":[[0,2]]})",
                             R"({"monotone_constraints":[1,0,1]})"}) {
    const auto fitted = FitTable(
        model,
        std::string(R"({"model":{"xgboost":{"objective":"binary","params":)") +
            params + "}}}",
        YesNoTable());
    EXPECT_EQ(FieldOf(fitted.status()), "model.xgboost.params") << params;
  }
}

TEST(Model, KeepsLabelTypes) {
  const std::vector<std::pair<Column, DataType>> cases = {
      {Ints({3, 9, 3, 9}), pb::INT64},
      {Bools({false, true, false, true}), pb::BOOL},
      {Column::FromDoubles({3, 9, 3, 9}), pb::FLOAT64},
  };
  for (const auto& [target, type] : cases) {
    Model model(TestOptions());
    FitAndPut(model, kBaseline, LineTable(target));
    const auto out = Predict(model, LineTable(target));
    ASSERT_TRUE(out.ok()) << out.status();
    EXPECT_EQ(out->schema[0].type, type);
  }
}

TEST(Baseline, PredictsShareAndMajority) {
  Model model(TestOptions());
  FitAndPut(model, kBaseline, LineTable(Texts({"b", "a", "b", "b"})));
  const auto out = Predict(model, LineTable(Texts({"?"})),
                           R"({"output":{"probabilities":true}})");
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(TextsOf(out->columns[0]), ElementsAre("b"));
  EXPECT_THAT(out->columns[1].doubles(), ElementsAre(0.25));
  EXPECT_THAT(out->columns[2].doubles(), ElementsAre(0.75));
}

TEST(Baseline, PredictsMeanOrMedian) {
  for (const auto& [objective, expected] :
       {std::pair<std::string, double>{"regression", 27}, {"absolute", 3.5}}) {
    Model model(TestOptions());
    FitAndPut(model,
              R"({"model":{"baseline":{"objective":")" + objective + "\"}}}",
              LineTable(Column::FromDoubles({1, 4, 3, 100})));
    const auto out = Predict(model, LineTable(Ints({0, 0})));
    ASSERT_TRUE(out.ok()) << out.status();
    EXPECT_THAT(out->columns[0].doubles(), ElementsAre(expected, expected));
  }
}

Table Weighted(Table table, const std::vector<double>& weights) {
  return WithColumn(std::move(table), "w", pb::WEIGHT,
                    Column::FromDoubles(weights));
}

// As scikit-learn's DummyClassifier, fitted with sample_weight.
TEST(Baseline, SharesAreOfTheWeight) {
  Model model(TestOptions());
  const Table rows =
      Weighted(LineTable(Texts({"b", "a", "b", "b"})), {0.5, 3, 0.25, 0.25});
  FitAndPut(model, kBaseline, rows);
  const auto out = Predict(model, LineTable(Texts({"?"})),
                           R"({"output":{"probabilities":true}})");
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(TextsOf(out->columns[0]), ElementsAre("a"));
  EXPECT_THAT(out->columns[1].doubles(), ElementsAre(0.75));
  EXPECT_THAT(out->columns[2].doubles(), ElementsAre(0.25));
  const pb::Evaluation report =
      MergePartials(model, {ObserveTable(model, rows)->partial()}, true)
          ->evaluation();
  EXPECT_EQ(MetricOf(report.baseline(), "accuracy"), 0.75);
  EXPECT_NEAR(MetricOf(report.baseline(), "log_loss"),
              -0.75 * std::log(0.75) - 0.25 * std::log(0.25), 1e-15);
}

// A weight stands for so many rows: {1, 3, 4, 4, 4} and {1, 3, 4, 4}.
TEST(Baseline, MeanAndMedianAreWeighted) {
  struct Case {
    std::string objective;
    std::vector<double> weights;
    double expected;
  };
  for (const Case& c :
       {Case{"regression", {1, 3, 1, 0}, 16 / 5.0},
        Case{"absolute", {1, 3, 1, 0}, 4}, Case{"absolute", {1, 2, 1, 0}, 3.5},
        Case{"absolute", {0, 0, 0, 2}, 100}}) {
    Model model(TestOptions());
    const Table rows =
        Weighted(LineTable(Column::FromDoubles({1, 4, 3, 100})), c.weights);
    FitAndPut(model,
              R"({"model":{"baseline":{"objective":")" + c.objective + "\"}}}",
              rows);
    const auto out = Predict(model, LineTable(Ints({0})));
    ASSERT_TRUE(out.ok()) << out.status();
    EXPECT_THAT(out->columns[0].doubles(), ElementsAre(c.expected));
  }
}

TEST(Baseline, HasNoR2OnTheRowsItKnowsAlsoWeighted) {
  Model model(TestOptions());
  const Table rows =
      Weighted(LineTable(Column::FromDoubles({1, 4, 3, 100})), {1, 3, 1, 0.5});
  FitAndPut(model, R"({"model":{"baseline":{"objective":"regression"}}})",
            rows);
  const auto report =
      MergePartials(model, {ObserveTable(model, rows)->partial()}, true);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_NEAR(MetricOf(report->evaluation().baseline(), "r2"), 0, 1e-14);
}

TEST(Model, EvaluatesByObserveAndMerge) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  const auto first = ObserveTable(model, YesNoTable().Slice(0, 7));
  const auto second = ObserveTable(model, YesNoTable().Slice(7, 10));
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  const auto joined =
      MergePartials(model, {first->partial(), second->partial()}, false);
  ASSERT_TRUE(joined.ok()) << joined.status();
  const auto merged = MergePartials(model, {joined->partial()}, true);
  ASSERT_TRUE(merged.ok()) << merged.status();
  const pb::Evaluation& evaluation = merged->evaluation();
  EXPECT_EQ(evaluation.rows(), 10);
  EXPECT_EQ(MetricOf(evaluation.metrics(), "accuracy"), 1);
  EXPECT_EQ(MetricOf(evaluation.metrics(), "roc_auc"), 1);
  EXPECT_EQ(MetricOf(evaluation.baseline(), "accuracy"), 0.5);
  EXPECT_THAT(evaluation.labels(), ElementsAre("no", "yes"));
  EXPECT_THAT(evaluation.confusion(), ElementsAre(5, 0, 0, 5));
}

TEST(Model, RejectsRowsThatItCannotCompare) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  const auto observed =
      ObserveTable(model, LineTable(Texts({"no", "?", "maybe", "yes"})));
  ASSERT_TRUE(observed.ok()) << observed.status();
  EXPECT_EQ(observed->rows(), 3);
  ASSERT_EQ(RejectedOf(*observed).size(), 1u);
  EXPECT_EQ(RejectedOf(*observed)[0].row(), 1);
  EXPECT_EQ(RejectedOf(*observed)[0].reason(), "MISSING_TARGET");
}

TEST(Model, CountsLabelsThatItHasNotLearnedAsWrongAndNamesThem) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  const auto observed =
      ObserveTable(model, LineTable(Texts({"no", "rare", "rare", "no"})));
  ASSERT_TRUE(observed.ok()) << observed.status();
  const auto merged = MergePartials(model, {observed->partial()}, true);
  ASSERT_TRUE(merged.ok()) << merged.status();
  const pb::Evaluation& evaluation = merged->evaluation();
  EXPECT_EQ(evaluation.rows(), 4);
  EXPECT_EQ(MetricOf(evaluation.metrics(), "accuracy"), 0.5);
  EXPECT_THAT(evaluation.labels(), ElementsAre("no", "yes", "rare"));
  ASSERT_EQ(merged->warnings_size(), 1);
  EXPECT_THAT(merged->warnings(0), HasSubstr("label \"rare\""));
}

TEST(Model, WeighsTheRowsOfAnEvaluation) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  const auto observed = ObserveTable(
      model, WithColumn(LineTable(Texts({"no", "yes", "no", "no"})), "w",
                        pb::WEIGHT, Column::FromDoubles({1, 3, NAN, 0})));
  ASSERT_TRUE(observed.ok()) << observed.status();
  ASSERT_EQ(RejectedOf(*observed).size(), 1u);
  EXPECT_EQ(RejectedOf(*observed)[0].reason(), "BAD_WEIGHT");
  const auto merged = MergePartials(model, {observed->partial()}, true);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_TRUE(merged->evaluation().weighted());
  EXPECT_EQ(merged->evaluation().rows(), 3);
  EXPECT_EQ(MetricOf(merged->evaluation().metrics(), "accuracy"), 0.25);
}

TEST(Model, EvaluatesNoRowsAsNotDefined) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  const auto merged = MergePartials(model, {}, true);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(merged->evaluation().rows(), 0);
  EXPECT_TRUE(std::isnan(MetricOf(merged->evaluation().metrics(), "accuracy")));
}

TEST(Model, RefusesPartialsOfAnotherModel) {
  Model model(TestOptions());
  FitAndPut(model, kRegression, LineTable(Column::FromDoubles({1, 2, 3})));
  const auto numbers =
      ObserveTable(model, LineTable(Column::FromDoubles({1, 2})));
  ASSERT_TRUE(numbers.ok()) << numbers.status();
  FitAndPut(model, kBinary, YesNoTable());
  for (const std::string& partial : {numbers->partial(), std::string("\xff")})
    EXPECT_EQ(ReasonOf(MergePartials(model, {partial}, true).status()),
              "BAD_PARTIAL");
}

TEST(Model, MergesAtMost64Partials) {
  Model model(TestOptions());
  FitAndPut(model, kBaseline, YesNoTable());
  const auto partial = ObserveTable(model, YesNoTable());
  ASSERT_TRUE(partial.ok()) << partial.status();
  const auto merge = [&](size_t partials) {
    return ReasonOf(
        MergePartials(
            model, std::vector<std::string>(partials, partial->partial()), true)
            .status());
  };
  EXPECT_EQ(merge(64), "");
  EXPECT_EQ(merge(65), "BAD_MESSAGE");
}

// Rows without columns cost no byte, and a score for each label.
TEST(Model, RefusesAnAnswerThatNobodyCouldTake) {
  std::vector<std::string> labels;
  for (int i = 0; i < 40; ++i) labels.push_back(absl::StrCat("label ", i));
  Table table = LineTable(Texts(labels));
  pb::FitStart start = StartOf(
      Params(R"({"model":{"baseline":{"objective":"multiclass"}}})"), table);
  start.clear_features();
  table.features.reset();
  FakeFitStream stream({std::move(table)});
  Model model(TestOptions());
  const auto fitted = model.Fit(start, stream, AnyContext());
  ASSERT_TRUE(fitted.ok()) << fitted.status();
  const auto artifact = model.LoadArtifact(fitted->artifact);
  ASSERT_TRUE(model.artifacts().Put("fitted", 1, *artifact).ok());
  Table rows;
  rows.rows = kMaxTableRows;
  EXPECT_EQ(ReasonOf(Predict(model, rows).status()), "BAD_MESSAGE");
  rows.rows = 1000;
  EXPECT_TRUE(Predict(model, rows).ok());
}

TEST(Model, HasNoFittingPasses) {
  Model model(TestOptions());
  pb::ObserveRequest observe;
  EXPECT_EQ(ReasonOf(model.Observe(observe, AnyContext()).status()),
            "BAD_MESSAGE");
  pb::MergeRequest merge;
  EXPECT_EQ(ReasonOf(model.Merge(merge, AnyContext()).status()), "BAD_MESSAGE");
}

TEST(Model, PredictsTheSameOnSeveralThreads) {
  Model model(TestOptions());
  FitAndPut(model, kBinary, YesNoTable());
  const std::string params = R"({"output":{"probabilities":true}})";
  const auto alone = Predict(model, YesNoTable(), params);
  ASSERT_TRUE(alone.ok()) << alone.status();
  const std::string expected = SerializeTable(*alone).value();
  std::atomic<int> equal{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        auto out = Predict(model, YesNoTable(), params);
        equal +=
            out.ok() && SerializeTable(*std::move(out)).value() == expected;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, 400);
}

}  // namespace
}  // namespace troupe::model
