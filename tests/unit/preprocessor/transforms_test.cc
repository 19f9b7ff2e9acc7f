// What scikit-learn does not tell: errors, types, rejected rows. Values are
// compared in golden_test.cc.
#include <string>

#include "gmock/gmock.h"
#include "tests/unit/preprocessor/columns.h"
#include "tests/unit/preprocessor/fit_loop.h"

namespace troupe::preprocessor {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Table One(Column column) { return TableMaker().Add("x", column).Make(); }

std::string On(const std::string& step, const std::string& options) {
  return "steps { " + step + " { columns { all: true } " + options + " } }";
}

// The status of fitting.
absl::Status FitError(const std::string& params, const Table& table) {
  return FitLoop(Params(params)).Fit(table);
}

// Fits on one table and transforms another.
absl::StatusOr<Table> Transformed(const std::string& params, const Table& train,
                                  const Table& score) {
  FitLoop loop(Params(params));
  RETURN_IF_ERROR(loop.Fit(train));
  return loop.Transform(score);
}

// The rejected rows of the second table, "ROW REASON".
std::vector<std::string> Rejected(const std::string& params, const Table& train,
                                  const Table& score) {
  FitLoop loop(Params(params));
  EXPECT_TRUE(loop.Fit(train).ok());
  const auto response = loop.Process(score, pb::COLUMNS);
  EXPECT_TRUE(response.ok()) << response.status();
  std::vector<std::string> rows;
  for (const pb::RejectedRow& row : RejectedOf(*response))
    rows.push_back(std::to_string(row.row()) + " " + row.reason());
  return rows;
}

TEST(Scaling, NeverBecomesNaNWhereValuesAreHuge) {
  const Table wide = One(Doubles({-1.7e308, 1.7e308}));
  EXPECT_THAT(Numbers(Transformed(On("robust", ""), wide, wide)->columns[0]),
              ElementsAre(DoubleEq(-1), DoubleEq(1)));
  const Table wider = One(Doubles({-1.7e308, -1.7e308, 1.7e308, 1.7e308}));
  for (const char* step : {"robust", "min_max", "bucketize"}) {
    const absl::Status status = FitError(On(step, ""), wider);
    EXPECT_EQ(ReasonOf(status), "BAD_SPEC") << step;
    EXPECT_THAT(std::string(status.message()), HasSubstr("column \"x\""));
  }
  EXPECT_EQ(MetadataOf(FitError(On("min_max", "min: -1e308 max: 1e308"),
                                One(Doubles({1, 2}))))
                .at("field"),
            "preprocessor.steps[0].min_max.max");
  EXPECT_THAT(std::string(FitError(On("min_max", "max: 1e300"),
                                   One(Doubles({1e20, 1e20 + 1e5})))
                              .message()),
              HasSubstr("column \"x\""));
}

TEST(Impute, KeepsWholeNumbersWhereTheFillingIsOne) {
  const Table table = One(Int64s({3, std::nullopt, 3, 1}));
  EXPECT_EQ(Transformed(On("impute", "strategy: MOST_FREQUENT"), table, table)
                ->schema[0]
                .type,
            pb::INT64);
  EXPECT_EQ(
      Transformed(On("impute", "strategy: MEAN"), table, table)->schema[0].type,
      pb::FLOAT64);
}

TEST(Impute, FillsBoolsAndLongText) {
  const Table bools = One(Bools({true, std::nullopt, true, false}));
  EXPECT_THAT(
      Numbers(Transformed(On("impute", "strategy: MOST_FREQUENT"), bools, bools)
                  ->columns[0]),
      ElementsAre(1, 1, 1, 0));
  const Table texts = One(Texts({"b", std::nullopt, "a"}));
  EXPECT_THAT(Words(Transformed(On("impute",
                                   "strategy: CONSTANT fill_value { "
                                   "string_value: 'none' }"),
                                texts, texts)
                        ->columns[0]),
              ElementsAre("b", "none", "a"));
}

TEST(Impute, AllMissingColumnIsNamed) {
  const absl::Status status =
      FitError(On("impute", "strategy: MEDIAN"), One(Doubles({kNaN, kNaN})));
  EXPECT_EQ(ReasonOf(status), "ALL_MISSING");
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"x\""));
  EXPECT_TRUE(
      FitError(On("impute", "strategy: CONSTANT"), One(Doubles({kNaN, kNaN})))
          .ok());
}

TEST(Impute, HasNoMeanOfText) {
  const absl::Status status =
      FitError(On("impute", "strategy: MEAN"), One(Texts({"a"})));
  EXPECT_EQ(ReasonOf(status), "BAD_SPEC");
  EXPECT_EQ(MetadataOf(status).at("field"),
            "preprocessor.steps[0].impute.strategy");
}

TEST(Impute, FillValueMustFit) {
  EXPECT_EQ(ReasonOf(FitError(On("impute",
                                 "strategy: CONSTANT fill_value { "
                                 "string_value: 'a' }"),
                              One(Doubles({1})))),
            "BAD_SPEC");
}

TEST(Standardize, ConstantColumnBecomesZero) {
  const Table table = One(Doubles(std::vector<double>(1000, 0.1)));
  EXPECT_EQ(Transformed(On("standardize", ""), table, One(Doubles({0.1, 1.1})))
                ->columns[0]
                .doubles()[0],
            0);
  EXPECT_EQ(Transformed(On("standardize", ""), table, One(Doubles({1.1})))
                ->columns[0]
                .doubles()[0],
            1);
}

TEST(Standardize, RefusesText) {
  EXPECT_EQ(ReasonOf(FitError(On("standardize", ""), One(Texts({"a"})))),
            "BAD_SPEC");
}

TEST(MinMax, RefusesAnEmptyRange) {
  const absl::Status status =
      FitError(On("min_max", "min: 2 max: 2"), One(Doubles({1})));
  EXPECT_EQ(MetadataOf(status).at("field"),
            "preprocessor.steps[0].min_max.min");
}

TEST(Robust, RefusesQuantilesOutOfRange) {
  EXPECT_EQ(
      ReasonOf(FitError(On("robust", "quantile_high: 101"), One(Doubles({1})))),
      "BAD_SPEC");
  EXPECT_EQ(
      ReasonOf(FitError(On("robust", "quantile_low: 80"), One(Doubles({1})))),
      "BAD_SPEC");
}

TEST(OneHot, UnknownCategoryRejectsTheRow) {
  const Table train = One(Texts({"a", "b"}));
  EXPECT_THAT(Rejected(On("one_hot", ""), train,
                       One(Texts({"a", "c", "b", std::nullopt}))),
              ElementsAre("1 UNKNOWN_CATEGORY", "3 UNKNOWN_CATEGORY"));
}

TEST(OneHot, NamesBoolsAndMissing) {
  const Table table = One(Bools({true, false, std::nullopt}));
  EXPECT_THAT(Names(Transformed(On("one_hot", ""), table, table)->schema),
              ElementsAre("x_False", "x_True", "x_nan"));
}

TEST(OneHot, OneCategoryForAllIsGrouped) {
  const Table table = One(Texts({"a", "b", "c"}));
  EXPECT_THAT(
      Names(Transformed(On("one_hot", "max_categories: 1"), table, table)
                ->schema),
      ElementsAre("x_infrequent_sklearn"));
}

TEST(OneHot, RefusesHalfACount) {
  EXPECT_EQ(ReasonOf(FitError(On("one_hot", "min_frequency: 1.5"),
                              One(Texts({"a"})))),
            "BAD_SPEC");
}

TEST(OneHot, RefusesNamesThatAreTaken) {
  const absl::Status status = FitError(
      "steps { one_hot { columns { names: 'x' } } }",
      TableMaker().Add("x", Texts({"a"})).Add("x_a", Doubles({1})).Make());
  EXPECT_EQ(ReasonOf(status), "DUPLICATE_COLUMN");
}

TEST(Ordinal, UnknownCategoryRejectsTheRow) {
  const std::string params = On("ordinal", "categories: 'S' categories: 'M'");
  EXPECT_THAT(Rejected(params, One(Texts({"S"})), One(Texts({"S", "X", "M"}))),
              ElementsAre("1 UNKNOWN_CATEGORY"));
}

TEST(Ordinal, ReadsGivenCategoriesByType) {
  const Table table = One(Int64s({30, 10}));
  EXPECT_THAT(
      Numbers(Transformed(On("ordinal", "categories: '30' categories: '10'"),
                          table, table)
                  ->columns[0]),
      ElementsAre(0, 1));
  EXPECT_EQ(ReasonOf(FitError(On("ordinal", "categories: 'ten'"), table)),
            "BAD_SPEC");
}

TEST(Ordinal, RefusesATakenNumber) {
  EXPECT_EQ(ReasonOf(FitError(On("ordinal",
                                 "unknown: USE_VALUE "
                                 "unknown_value: 1"),
                              One(Texts({"a", "b"})))),
            "BAD_SPEC");
}

TEST(Bucketize, MissingValueRejectsTheRow) {
  const Table table = One(Doubles({1, kNaN, 3}));
  EXPECT_THAT(Rejected(On("bucketize", "bins: 2"), table, table),
              ElementsAre("1 MISSING_VALUE"));
}

TEST(Bucketize, MissingValueIsReportedWhileFittingToo) {
  FitLoop loop(Params(On("bucketize", "bins: 2")));
  ASSERT_TRUE(loop.Fit(One(Doubles({1, kNaN, 3}))).ok());
  ASSERT_EQ(loop.rejected().size(), 1u);
  EXPECT_EQ(loop.rejected()[0].reason(), "MISSING_VALUE");
}

TEST(Bucketize, AllMissingSaysThatNoRowIsLeft) {
  EXPECT_EQ(
      ReasonOf(FitError(On("bucketize", "bins: 2"), One(Doubles({kNaN})))),
      "NO_TRAINING_ROWS");
}

TEST(Bucketize, RefusesOneBin) {
  EXPECT_EQ(MetadataOf(FitError(On("bucketize", "bins: 0"), One(Doubles({1}))))
                .at("field"),
            "preprocessor.steps[0].bucketize.bins");
  EXPECT_EQ(MetadataOf(FitError(On("bucketize", "bins: 1"), One(Doubles({1}))))
                .at("field"),
            "preprocessor.steps[0].bucketize.bins");
}

TEST(Clip, KeepsWholeNumbersAndMissing) {
  const Table table = One(Int64s({-5, std::nullopt, 50}));
  const auto out = Transformed(On("clip", "min: 0 max: 10"), table, table);
  EXPECT_EQ(out->schema[0].type, pb::INT64);
  EXPECT_THAT(
      Words(Transformed(On("clip", "min: 0 max: 10") + On("cast", "to: STRING"),
                        table, table)
                ->columns[0]),
      ElementsAre("0", "~", "10"));
}

TEST(Log1p, OutOfDomainRejectsTheRow) {
  const Table table = One(Doubles({0, -1, -7, kNaN}));
  EXPECT_THAT(Rejected(On("log1p", ""), table, table),
              ElementsAre("1 OUT_OF_DOMAIN", "2 OUT_OF_DOMAIN"));
}

TEST(DateParts, TakesDatesApart) {
  // 2024-02-29 (a Thursday), 1969-12-31 (a Wednesday), 2023-01-01 (a Sunday).
  const Table table = One(Times(pb::DATE, {19782, -1, 19358, std::nullopt}));
  const auto made =
      Transformed(On("date_parts", "parts: [YEAR, MONTH, DAY, WEEKDAY, DAYS]"),
                  table, table);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(Names(made->schema),
              ElementsAre("x_year", "x_month", "x_day", "x_weekday", "x_days"));
  const auto part = [&](size_t i) {
    auto values = Numbers(made->columns[i]);
    EXPECT_TRUE(std::isnan(values[3]));
    values.pop_back();
    return values;
  };
  EXPECT_THAT(part(0), ElementsAre(2024, 1969, 2023));
  EXPECT_THAT(part(1), ElementsAre(2, 12, 1));
  EXPECT_THAT(part(2), ElementsAre(29, 31, 1));
  EXPECT_THAT(part(3), ElementsAre(4, 3, 7));
  EXPECT_THAT(part(4), ElementsAre(19782, -1, 19358));
}

TEST(DateParts, FindsTheHourOfTimestampsOnBothSidesOf1970) {
  const Table table =
      One(Times(pb::TIMESTAMP, {0, 3'600'000'000 - 1, -1, 23 * 3'600'000'000}));
  const auto made =
      Transformed(On("date_parts", "parts: [HOUR, DAYS]"), table, table);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(Numbers(made->columns[0]), ElementsAre(0, 0, 23, 23));
  EXPECT_THAT(Numbers(made->columns[1]), ElementsAre(0, 0, -1, 0));
}

TEST(DateParts, SaysWhatItCannotDo) {
  const Table date = One(Times(pb::DATE, {1})), number = One(Doubles({1}));
  const auto says = [](const std::string& options, const Table& table) {
    return std::string(FitError(On("date_parts", options), table).message());
  };
  EXPECT_THAT(says("parts: HOUR", date), HasSubstr("has no hour"));
  EXPECT_THAT(says("parts: YEAR", number), HasSubstr("is float64"));
  EXPECT_THAT(says("", date), HasSubstr("parts: is required"));
  EXPECT_THAT(says("parts: [YEAR, YEAR]", date), HasSubstr("twice"));
}

TEST(DateParts, IsWhatOtherStepsAskFor) {
  const Table table = One(Times(pb::TIMESTAMP, {1, 2}));
  EXPECT_THAT(std::string(FitError(On("standardize", ""), table).message()),
              HasSubstr("date_parts turns it into numbers"));
  EXPECT_THAT(std::string(FitError("makes_features: true", table).message()),
              HasSubstr("dates or times; use date_parts"));
}

TEST(Cast, ReadsTextAndRejectsWhatDoesNotFit) {
  const Table table = One(Texts({"1", " 2 ", "x", std::nullopt, "1.5"}));
  EXPECT_THAT(Rejected(On("cast", "to: INT64"), table, table),
              ElementsAre("2 TYPE_MISMATCH", "4 TYPE_MISMATCH"));
  EXPECT_THAT(Rejected(On("cast", "to: FLOAT64"), table, table),
              ElementsAre("2 TYPE_MISMATCH"));
}

TEST(Cast, WritesNumbersAsPythonDoes) {
  const Table table = One(Doubles({1, 0.1, kNaN}));
  EXPECT_THAT(
      Words(Transformed(On("cast", "to: STRING"), table, table)->columns[0]),
      ElementsAre("1.0", "0.1", "~"));
}

TEST(Cast, WholeNumbersOnlyFromWholeFloats) {
  const Table table = One(Doubles({2, 2.5, 1e300}));
  EXPECT_THAT(Rejected(On("cast", "to: INT64"), table, table),
              ElementsAre("1 TYPE_MISMATCH", "2 TYPE_MISMATCH"));
}

TEST(Cast, InfiniteTextIsInfinity) {
  const Table table = One(Texts({"1e999", "1"}));
  EXPECT_THAT(Rejected(On("cast", "to: FLOAT64"), table, table),
              ElementsAre("0 INFINITE_VALUE"));
}

Table Three() {
  return TableMaker()
      .Add("a", Doubles({1}))
      .Add("b", Texts({"t"}))
      .Add("c", Int64s({2}))
      .Make();
}

TEST(Rename, SwapsNames) {
  const auto out = Transformed(
      "steps { rename { columns { key: 'a' value: 'c' } "
      "columns { key: 'c' value: 'a' } } }",
      Three(), Three());
  EXPECT_THAT(Names(out->schema), ElementsAre("c", "b", "a"));
}

TEST(Rename, RefusesATakenNameAndPatterns) {
  EXPECT_EQ(ReasonOf(FitError("steps { rename { columns { key: 'a' value: 'b' "
                              "} } }",
                              Three())),
            "DUPLICATE_COLUMN");
  EXPECT_EQ(ReasonOf(FitError("steps { rename { columns { key: 'a*' value: 'z' "
                              "} } }",
                              Three())),
            "BAD_SPEC");
}

TEST(Drop, RemovesColumns) {
  EXPECT_THAT(Names(Transformed("steps { drop { columns { names: 'b' } } }",
                                Three(), Three())
                        ->schema),
              ElementsAre("a", "c"));
}

TEST(Keep, RemovesAllOthers) {
  EXPECT_THAT(Names(Transformed("steps { keep { columns { names: 'c' } } }",
                                Three(), Three())
                        ->schema),
              ElementsAre("c"));
}

TEST(Infinity, RejectsTheRowAndNamesTheColumn) {
  FitLoop loop(Params(On("standardize", "")));
  ASSERT_TRUE(loop.Fit(One(Doubles({1, kInfinity, 3}))).ok());
  ASSERT_EQ(loop.rejected().size(), 1u);
  EXPECT_EQ(loop.rejected()[0].reason(), "INFINITE_VALUE");
  EXPECT_THAT(loop.rejected()[0].message(), HasSubstr("row 1, column \"x\""));
}

TEST(Infinity, InADroppedColumnDoesNotMatter) {
  const Table table =
      TableMaker().Add("a", Doubles({kInfinity})).Add("b", Doubles({1})).Make();
  EXPECT_THAT(
      Rejected("steps { drop { columns { names: 'a' } } }", table, table),
      IsEmpty());
}

}  // namespace
}  // namespace troupe::preprocessor
