// How CSV and TSV are read, from text to table: quoting, line ends, header.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/loader/formats/csv_fields.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using testing::ElementsAre;
using Rows = std::vector<std::vector<std::string>>;

Rows RowsOf(absl::string_view text, const std::string& name = "t.csv",
            const pb::CsvOptions& csv = {}) {
  const absl::StatusOr<WholeInput> input = ReadText(text, name, csv);
  if (!input.ok()) return {{std::string(input.status().ToString())}};
  EXPECT_EQ(input->rejected, std::vector<std::string>());
  return input->rows;
}

TEST(Csv, QuotedFieldsMayHoldDelimitersQuotesAndNewlines) {
  EXPECT_EQ(RowsOf("a,b\n\"x,y\",\"he said \"\"ha\"\"\"\n\"1\n2\",\"\"\"\"\n"),
            (Rows{{"x,y", "he said \"ha\""}, {"1\n2", "\""}}));
}

TEST(Csv, TextAfterAClosingQuoteBelongsToTheField) {
  EXPECT_EQ(RowsOf("a,b\n\"x\"y,\"a\"\"b\"c\n\"a\"b\"c\",d\n"),
            (Rows{{"xy", "a\"bc"}, {"ab\"c\"", "d"}}));
}

TEST(Csv, AQuoteInsideAFieldIsAnOrdinaryCharacter) {
  EXPECT_EQ(RowsOf("a,b\nx \"y\",5\" pipe\nz,w\n"),
            (Rows{{"x \"y\"", "5\" pipe"}, {"z", "w"}}));
}

TEST(Csv, AllLineEndsEndRecords) {
  const Rows expected = {{"x", "1"}, {"y", "2"}};
  EXPECT_EQ(RowsOf("a,b\nx,1\ny,2\n"), expected);
  EXPECT_EQ(RowsOf("a,b\r\nx,1\r\ny,2\r\n"), expected);
  EXPECT_EQ(RowsOf("a,b\rx,1\ry,2\r"), expected);
  EXPECT_EQ(RowsOf("a,b\r\nx,1\ry,2"), expected);
}

TEST(Csv, ALineEndInsideQuotesIsKeptAsItIs) {
  EXPECT_EQ(RowsOf("a\r\n\"1\r\n2\"\r\n"), (Rows{{"1\r\n2"}}));
}

TEST(Csv, BlankLinesAreNoRecords) {
  EXPECT_EQ(RowsOf("\n\na,b\n\nx,1\n  \n\t\ny,2\n\n   "),
            (Rows{{"x", "1"}, {"y", "2"}}));
}

TEST(Csv, AQuotedEmptyFieldIsARecord) {
  EXPECT_EQ(RowsOf("a\n\"\"\nx\n"), (Rows{{"<missing>"}, {"x"}}));
}

TEST(Csv, AByteOrderMarkIsSkipped) {
  const absl::StatusOr<WholeInput> input = ReadText(
      "\xef\xbb\xbf"
      "a,b\n1,2\n");
  ASSERT_TRUE(input.ok());
  EXPECT_THAT(input->names, ElementsAre("a", "b"));
}

TEST(Csv, TooFewFieldsAreMissing) {
  EXPECT_EQ(RowsOf("a,b,c\nx\ny,1\n"),
            (Rows{{"x", "<missing>", "<missing>"}, {"y", "1", "<missing>"}}));
}

TEST(Csv, ShortRowsAreCounted) {
  LoaderBelowFolder setup;
  const pb::Source source = SourceAt(
      setup.folder.Write("t.csv", "a,b\n1,one\n2,tw\ro\n3,three\n4\n"));
  const absl::StatusOr<WholePlan> plan =
      PlanAll(*setup.loader, PlanRequestFor(source, 9));
  ASSERT_TRUE(plan.ok()) << plan.status();
  const pb::ShortRows& rows = plan->last.short_rows();
  EXPECT_EQ(rows.count(), 2);
  EXPECT_EQ(rows.row(), 2);
  EXPECT_EQ(rows.line(), 4);
  EXPECT_EQ(rows.file(), "t.csv");
  int64_t loaded = 0;
  for (const pb::Split& split : plan->splits) {
    const auto response = setup.loader->Load(
        *std::make_unique<pb::LoadRequest>(LoadRequestFor(
            source, split, plan->last.schema(), plan->last.schema())),
        NoContext());
    ASSERT_TRUE(response.ok()) << response.status();
    loaded += response->short_rows().count();
  }
  EXPECT_EQ(loaded, 2);
}

TEST(Csv, ShortRowsCanBeRejectedOrFail) {
  pb::CsvOptions csv;
  csv.set_on_short_row(pb::CsvOptions::REJECT);
  const absl::StatusOr<WholeInput> input =
      ReadText("a,b\n1,2\n3\n\"4\"\n5,6\n", "t.csv", csv);
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->rows, (Rows{{"1", "2"}, {"5", "6"}}));
  EXPECT_THAT(input->rejected,
              ElementsAre("1 SHORT_ROW t.csv:3:2: expected 2 fields, saw 1",
                          "2 SHORT_ROW t.csv:4:4: expected 2 fields, saw 1"));
  csv.set_on_short_row(pb::CsvOptions::FAIL);
  EXPECT_EQ(Failure(ReadText("a,b\n1,2\n3\n", "t.csv", csv)),
            "BAD_INPUT: t.csv:3: expected 2 fields, saw 1; see "
            "csv.on_short_row");
}

TEST(Csv, APlanCountsWhatIsNoRowAndShowsTheFirst) {
  LoaderBelowFolder setup;
  std::string text = "a,b\n";
  for (int i = 0; i < 50; ++i)
    absl::StrAppend(&text, i, ",2", i % 5 == 3 ? ",3" : "", "\n");
  const absl::StatusOr<WholePlan> plan =
      PlanAll(*setup.loader,
              PlanRequestFor(SourceAt(setup.folder.Write("t.csv", text)), 40));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->last.rejected_rows(), 10);
  ASSERT_EQ(plan->last.rejected_size(), 5);
  EXPECT_EQ(plan->last.rejected(4).row(), 23);
  EXPECT_EQ(plan->last.rejected(4).message(),
            "t.csv:25:6: expected 2 fields, saw 3");
}

TEST(Csv, CommentsEndLinesAndAreNoRecords) {
  pb::CsvOptions csv;
  csv.set_comment("#");
  EXPECT_EQ(RowsOf("#top\na,b\nx,1#c, \"d\n#e\ny,#f\n\"#z\",3\n", "t.csv", csv),
            (Rows{{"x", "1"}, {"y", "<missing>"}, {"#z", "3"}}));
}

TEST(Csv, DelimiterDecimalAndQuoteCanBeChosen) {
  pb::CsvOptions csv;
  csv.set_delimiter(";");
  csv.set_decimal(",");
  csv.set_quote("'");
  const absl::StatusOr<WholeInput> input =
      ReadText("a;b\n1,5;'x;y'\n2;\"z\n", "t.csv", csv);
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->rows, (Rows{{"1.5", "x;y"}, {"2", "\"z"}}));
  EXPECT_THAT(input->types, ElementsAre("float64", "string"));
}

TEST(Csv, TsvIsSeparatedByTabsAndKeepsBlankFields) {
  EXPECT_EQ(RowsOf("a\tb\nx,y\t1\n\t2\n", "t.tsv"),
            (Rows{{"x,y", "1"}, {"<missing>", "2"}}));
}

TEST(Csv, WithoutHeaderColumnsAreNumbered) {
  pb::CsvOptions csv;
  csv.set_header(false);
  const absl::StatusOr<WholeInput> input = ReadText("x,1\ny,2\n", "t.csv", csv);
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->names, ElementsAre("0", "1"));
  EXPECT_EQ(input->rows, (Rows{{"x", "1"}, {"y", "2"}}));
}

TEST(Csv, OneColumnAndNoLineEndAreEnough) {
  EXPECT_EQ(RowsOf("a\n1\n2"), (Rows{{"1"}, {"2"}}));
}

TEST(Csv, SpacesAreKeptInTextAndIgnoredAroundNumbers) {
  EXPECT_EQ(RowsOf("a,b\n x , 1.5 \n"), (Rows{{" x ", "1.5"}}));
}

TEST(CsvHeader, RepeatedAndEmptyNamesBecomeUniqueAsInPandas) {
  EXPECT_THAT(UniqueColumnNames({"a", "a", "a.1"}),
              ElementsAre("a", "a.2", "a.1"));
  EXPECT_THAT(UniqueColumnNames({"a", "a", "a", "a.1", "a.2", "b", "b"}),
              ElementsAre("a", "a.3", "a.4", "a.1", "a.2", "b", "b.1"));
  EXPECT_THAT(UniqueColumnNames({"a", "", ""}),
              ElementsAre("a", "Unnamed: 1", "Unnamed: 2"));
  EXPECT_THAT(UniqueColumnNames({"", "Unnamed: 0"}),
              ElementsAre("Unnamed: 0.1", "Unnamed: 0"));
}

TEST(CsvMissing, TheWordsOfPandasCount) {
  const std::string words =
      "#N/A\n#N/A N/A\n#NA\n-1.#IND\n-1.#QNAN\n-NaN\n-nan\n1.#IND\n1.#QNAN\n"
      "<NA>\nN/A\nNA\nNULL\nNaN\nNone\nn/a\nnan\nnull\n\"\"\n\"NA\"\n";
  const absl::StatusOr<WholeInput> input = ReadText("a\n" + words + "1\n");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->types, ElementsAre("int64"));
  for (size_t i = 0; i + 1 < input->rows.size(); ++i)
    EXPECT_EQ(input->rows[i][0], "<missing>") << i;
  EXPECT_EQ(input->rows.size(), 21U);
}

TEST(CsvMissing, OtherWordsDoNot) {
  EXPECT_EQ(RowsOf("a\nNAN\nnone\n NA\nNil\n"),
            (Rows{{"NAN"}, {"none"}, {" NA"}, {"Nil"}}));
}

TEST(CsvMissing, OwnWordsAddToTheDefaults) {
  pb::CsvOptions csv;
  csv.add_na_values("?");
  csv.add_na_values("-999");
  EXPECT_EQ(RowsOf("a\n?\n-999\n-999.0\nNA\n1.5\n", "t.csv", csv),
            (Rows{{"<missing>"},
                  {"<missing>"},
                  {"<missing>"},
                  {"<missing>"},
                  {"1.5"}}));
}

TEST(CsvMissing, NumbersAmongTheWordsStandForTheirValue) {
  pb::CsvOptions csv;
  csv.add_na_values("-99");
  csv.add_na_values("-9.99e1");
  const absl::StatusOr<WholeInput> input = ReadText(
      "f,i,t,b\n-99.00,-99,-99,-99.0\n-99.9,-99.0,-99.0,true\n-99.90,-099,"
      "-99.00,false\n1.5,4,x,-99\n",
      "t.csv", csv);
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->types, ElementsAre("float64", "int64", "string", "bool"));
  EXPECT_EQ(input->rows,
            (Rows{{"<missing>", "<missing>", "<missing>", "<missing>"},
                  {"<missing>", "<missing>", "<missing>", "true"},
                  {"<missing>", "<missing>", "-99.00", "false"},
                  {"1.5", "4", "x", "<missing>"}}));
}

TEST(CsvMissing, AMissingNumberIsCountedInColumnsOfNumbersOnly) {
  LoaderBelowFolder setup;
  pb::Source source = SourceAt(
      setup.folder.Write("t.csv", "a,b,c\n-99.00,-99.00,-99.00\n1,x,\n"));
  source.mutable_csv()->add_na_values("-99");
  pb::PlanRequest request = PlanRequestFor(source);
  const absl::StatusOr<WholePlan> plan = PlanAll(*setup.loader, request);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->last.missing(), ElementsAre(1, 0, 2));
}

TEST(CsvMissing, DefaultsAndQuotedWordsCanBeDeclined) {
  pb::CsvOptions csv;
  csv.set_keep_default_na(false);
  csv.add_na_values("-");
  csv.set_quoted_na(false);
  EXPECT_EQ(RowsOf("a,b\nNA,-\n,\"-\"\n", "t.csv", csv),
            (Rows{{"NA", "<missing>"}, {"", "-"}}));
}

TEST(CsvTypes, AreJoinedOverTheWholeInput) {
  const absl::StatusOr<WholeInput> input = ReadText(
      "bool,int,float,text,mixed,none,big,bigf\n"
      "True,1,1,1,true,,1,1\n"
      "false,-2,2.5,x,1,NA,9223372036854775808,9223372036854775808\n"
      ",,,,,,,0.5\n");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->types,
              ElementsAre("bool", "int64", "float64", "string", "string",
                          "float64", "string", "float64"));
  EXPECT_EQ(input->rows[0][4], "true");
  EXPECT_EQ(input->rows[1][6], "9223372036854775808");
}

TEST(CsvTypes, IntegersAreExactHoweverTheyAreWritten) {
  const std::string text = "n\n9007199254740993.0\n1e3\n9007199254740993.5\n";
  LoaderBelowFolder setup;
  for (const std::string name : {"t.csv", "t.jsonl"}) {
    pb::Source source = SourceAt(setup.folder.Write(
        name, name == "t.csv" ? text
                              : "{\"n\":9007199254740993.0}\n{\"n\":1e3}\n"
                                "{\"n\":9007199254740993.5}\n"));
    (*source.mutable_types())["n"] = pb::INT64;
    const absl::StatusOr<WholeInput> input = ReadAll(*setup.loader, source);
    ASSERT_TRUE(input.ok()) << input.status();
    EXPECT_EQ(input->rows, (Rows{{"9007199254740993"}, {"1000"}})) << name;
    EXPECT_EQ(input->rejected.size(), 1U) << name;
  }
}

TEST(CsvTypes, AHeaderAloneGivesTextColumnsAndNoRows) {
  const absl::StatusOr<WholeInput> input = ReadText("a,b\n");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->types, ElementsAre("string", "string"));
  EXPECT_EQ(input->splits, 0U);
}

}  // namespace
}  // namespace troupe::loader
