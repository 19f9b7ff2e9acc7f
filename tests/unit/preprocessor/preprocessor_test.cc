#include "services/preprocessor/preprocessor.h"

#include "gmock/gmock.h"
#include "tests/unit/preprocessor/columns.h"
#include "tests/unit/preprocessor/fit_loop.h"

namespace troupe::preprocessor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kScale[] =
    "steps { standardize { columns { names: 'a' } } } makes_features: true";

Table Sample() {
  return TableMaker()
      .Add("id", Texts({"p", "q", "r"}), pb::CARRY)
      .Add("a", Doubles({1, 2, 3}))
      .Add("b", Int64s({7, 8, 9}))
      .Add("y", Bools({true, false, true}), pb::TARGET)
      .Make();
}

TEST(Preprocessor, MatrixHoldsFeaturesAndColumnsTheRest) {
  FitLoop loop(Params(kScale));
  ASSERT_TRUE(loop.Fit(Sample()).ok());
  const auto out = loop.Transform(Sample(), pb::MATRIX);
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(Names(out->schema), ElementsAre("id", "y"));
  ASSERT_TRUE(out->features.has_value());
  EXPECT_EQ(out->features->type, pb::FLOAT32);
  EXPECT_THAT(out->features->names, ElementsAre("a", "b"));
  const float* values = out->features->floats();
  EXPECT_EQ(values[2], 0.0F);
  EXPECT_EQ(values[5], 9.0F);
}

TEST(Preprocessor, ColumnsHoldFullPrecision) {
  FitLoop loop(Params(kScale));
  ASSERT_TRUE(loop.Fit(Sample()).ok());
  const auto out = loop.Transform(Sample(), pb::COLUMNS);
  EXPECT_THAT(Names(out->schema), ElementsAre("id", "y", "a", "b"));
  EXPECT_EQ(out->columns[2].doubles()[0], -1 / std::sqrt(2.0 / 3));
}

TEST(Preprocessor, BindsColumnsByName) {
  FitLoop loop(Params(kScale));
  ASSERT_TRUE(loop.Fit(Sample()).ok());
  const Table other = TableMaker()
                          .Add("extra", Doubles({5}))
                          .Add("b", Int64s({7}))
                          .Add("a", Doubles({2}))
                          .Make();
  const auto out = loop.Transform(other, pb::MATRIX);
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT(out->features->names, ElementsAre("a", "b"));
  EXPECT_EQ(out->features->floats()[1], 7.0F);
}

TEST(Preprocessor, MissingColumnIsNamed) {
  FitLoop loop(Params(kScale));
  ASSERT_TRUE(loop.Fit(Sample()).ok());
  const auto out =
      loop.Transform(TableMaker().Add("a", Doubles({1})).Make(), pb::MATRIX);
  EXPECT_EQ(ReasonOf(out.status()), "UNKNOWN_COLUMN");
  EXPECT_THAT(std::string(out.status().message()), HasSubstr("\"b\""));
}

TEST(Preprocessor, OtherTypeIsRefused) {
  FitLoop loop(Params(kScale));
  ASSERT_TRUE(loop.Fit(Sample()).ok());
  const Table other =
      TableMaker().Add("a", Texts({"x"})).Add("b", Int64s({7})).Make();
  EXPECT_EQ(ReasonOf(loop.Transform(other).status()), "TYPE_MISMATCH");
}

TEST(Preprocessor, ProcessesARangeOfRows) {
  FitLoop loop(Params(kScale));
  ASSERT_TRUE(loop.Fit(Sample()).ok());
  pb::ProcessRequest request;
  *request.mutable_params() = Params("");
  request.mutable_rows()->set_begin(1);
  request.mutable_rows()->set_end(3);
  request.set_table(SerializeTable(Sample()).value());
  const auto response = loop.preprocessor().Process(request, NoContext());
  ASSERT_TRUE(response.ok()) << response.status();
  const auto table = ParseTable(response->table());
  EXPECT_EQ(table->rows, 2);
  EXPECT_EQ(table->Ordinal(0), 1);
}

TEST(Preprocessor, RangeOutsideTheTableIsRefused) {
  Preprocessor preprocessor;
  pb::ProcessRequest request;
  request.mutable_rows()->set_begin(2);
  request.mutable_rows()->set_end(9);
  request.set_table(SerializeTable(Sample()).value());
  EXPECT_EQ(ReasonOf(preprocessor.Process(request, NoContext()).status()),
            "BAD_MESSAGE");
}

TEST(Preprocessor, RefusesAnAnswerTooWideForMemory) {
  std::vector<std::optional<std::string>> names;
  for (int i = 0; i < 60'000; ++i) names.push_back(std::to_string(i % 5'000));
  const Table table = TableMaker().Add("id", Texts(names)).Make();
  FitLoop loop(Params("steps { one_hot { columns { names: 'id' } } }"));
  ASSERT_TRUE(loop.Fit(table).ok());
  EXPECT_EQ(ReasonOf(loop.Process(table, pb::COLUMNS).status()), "BAD_MESSAGE");
  EXPECT_TRUE(loop.Process(table.Slice(0, 10), pb::COLUMNS).ok());
}

TEST(Preprocessor, RejectedRowsLeaveEveryColumn) {
  FitLoop loop(Params(kScale));
  ASSERT_TRUE(loop.Fit(Sample()).ok());
  Table table = Sample();
  table.first_row = 100;
  table.columns[1] = Doubles({1, kInfinity, 3});
  const auto response = loop.Process(table, pb::MATRIX);
  ASSERT_EQ(RejectedOf(*response).size(), 1u);
  EXPECT_EQ(RejectedOf(*response)[0].row(), 101);
  EXPECT_EQ(response->rows(), 2);
  const auto out = ParseTable(response->table());
  EXPECT_THAT(Words(out->columns[0]), ElementsAre("p", "r"));
  EXPECT_THAT(out->row_ids, ElementsAre(100, 102));
  EXPECT_EQ(out->features->floats()[3], 9.0F);
}

TEST(Preprocessor, AnInt64BecomesOneFloatWhoeverItsNeighboursAre) {
  // Half way between two floats, and a little more: it matters whether it is
  // rounded to a double first.
  constexpr int64_t kBetween = (int64_t{1} << 60) + (int64_t{1} << 36) + 1;
  const auto float_of = [](const Column& column) {
    FitLoop loop(Params("makes_features: true"));
    const Table table = TableMaker().Add("x", column).Make();
    EXPECT_TRUE(loop.Fit(table).ok());
    const auto out = loop.Transform(table, pb::MATRIX);
    EXPECT_TRUE(out.ok()) << out.status();
    return out->features->floats()[0];
  };
  const float alone = float_of(Int64s({kBetween}));
  EXPECT_EQ(alone, float_of(Int64s({kBetween, std::nullopt})));
  EXPECT_EQ(alone, float_of(Int64s({kBetween, 7, 8})));
  EXPECT_EQ(alone, float_of(Doubles({static_cast<double>(kBetween)})));
}

TEST(Preprocessor, ValuesBeyondFloat32RejectTheRowOfAMatrix) {
  FitLoop loop(Params("makes_features: true"));
  const Table table = TableMaker().Add("a", Doubles({1e300, 1})).Make();
  ASSERT_TRUE(loop.Fit(table).ok());
  EXPECT_EQ(RejectedOf(*loop.Process(table, pb::MATRIX)).size(), 1u);
  EXPECT_FALSE(loop.Process(table, pb::COLUMNS)->has_rejected());
}

TEST(Preprocessor, TextLeftOverIsNamed) {
  FitLoop loop(Params("makes_features: true"));
  const absl::Status status =
      loop.Fit(TableMaker().Add("city", Texts({"Ulm"})).Make());
  EXPECT_EQ(ReasonOf(status), "NOT_A_NUMBER");
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"city\""));
  EXPECT_THAT(std::string(status.message()), HasSubstr("one_hot"));
}

TEST(Preprocessor, UnfittedHopIsNotProcessed) {
  Preprocessor preprocessor;
  pb::ProcessRequest request;
  *request.mutable_params() = Params(kScale);
  request.set_table(SerializeTable(Sample()).value());
  EXPECT_EQ(ReasonOf(preprocessor.Process(request, NoContext()).status()),
            "BAD_MESSAGE");
}

TEST(Preprocessor, UnknownArtifactIsAskedFor) {
  Preprocessor preprocessor;
  pb::ProcessRequest request;
  request.set_artifact(std::string(64, 'a'));
  request.set_table(SerializeTable(Sample()).value());
  EXPECT_EQ(ReasonOf(preprocessor.Process(request, NoContext()).status()),
            "ARTIFACT_MISSING");
}

TEST(Preprocessor, MalformedTableIsRefused) {
  Preprocessor preprocessor;
  pb::ProcessRequest request;
  request.set_table("nonsense");
  EXPECT_EQ(ReasonOf(preprocessor.Process(request, NoContext()).status()),
            "BAD_TABLE");
}

TEST(Preprocessor, CancelledWorkEnds) {
  FitLoop loop(Params(kScale));
  ASSERT_TRUE(loop.Fit(Sample()).ok());
  auto token = std::make_shared<CancelToken>();
  token->Cancel();
  pb::ProcessRequest request;
  *request.mutable_params() =
      Params("steps { log1p { columns { names: 'a' } } }");
  request.set_table(SerializeTable(Sample()).value());
  EXPECT_TRUE(absl::IsCancelled(
      loop.preprocessor().Process(request, Context({}, token)).status()));
}

TEST(Describe, ChecksStepsBehindUnknownColumns) {
  FitLoop loop(Params(
      "steps { one_hot { columns { names: 'c' } } } "
      "steps { standardize { columns { names: 'c_x' names: 'agee' } } }"));
  const auto described =
      loop.Describe({{"age", pb::FLOAT64}, {"c", pb::STRING}});
  EXPECT_EQ(ReasonOf(described.status()), "UNKNOWN_COLUMN");
  EXPECT_EQ(MetadataOf(described.status()).at("field"),
            "preprocessor.steps[1].standardize.columns[1]");
}

TEST(Describe, BeforeFittingSaysByObserve) {
  FitLoop loop(Params(kScale));
  const auto described = loop.Describe(Sample().schema);
  ASSERT_TRUE(described.ok()) << described.status();
  EXPECT_EQ(described->fitting(), pb::BY_OBSERVE);
  EXPECT_EQ(described->features_size(), 0);
}

TEST(Describe, AfterFittingNamesFeatures) {
  FitLoop loop(
      Params("steps { one_hot { columns { names: 'c' } } } "
             "makes_features: true"));
  const Table table = TableMaker()
                          .Add("k", Texts({"1", "2"}), pb::CARRY)
                          .Add("c", Texts({"u", "v"}))
                          .Make();
  ASSERT_TRUE(loop.Fit(table).ok());
  const auto described = loop.Describe(table.schema);
  ASSERT_TRUE(described.ok()) << described.status();
  EXPECT_EQ(described->fitting(), pb::NO_FITTING);
  EXPECT_THAT(described->features(), ElementsAre("c_u", "c_v"));
  EXPECT_EQ(described->output().fields_size(), 3);
  EXPECT_GE(described->output_bytes_per_row(), 2 * 8);
}

TEST(Describe, UnknownStepIsRefused) {
  FitLoop loop(Params("steps { }"));
  EXPECT_EQ(ReasonOf(loop.Describe(Sample().schema).status()), "BAD_SPEC");
}

}  // namespace
}  // namespace troupe::preprocessor
