#include "client/cli/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "google/protobuf/text_format.h"
#include "services/table/column_builder.h"
#include "services/table/wire.h"

namespace troupe {
namespace {

using testing::HasSubstr;

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

Table SmallTable() {
  ColumnBuilder numbers(pb::INT64);
  numbers.AppendInt64(7);
  numbers.AppendInt64(std::numeric_limits<int64_t>::max());
  ColumnBuilder words(pb::STRING);
  words.AppendText("a\nb");
  words.AppendNull();
  Table table;
  table.rows = 2;
  table.schema = {{"id", pb::INT64}, {"word", pb::STRING}};
  table.columns.push_back(numbers.Finish());
  table.columns.push_back(words.Finish());
  return table;
}

TEST(ReportText, CountsShortRows) {
  EXPECT_EQ(ShortRowsLine(FromText<pb::Report>(
                R"(short_rows { count: 1 row: 2 file: "t.csv" line: 4 })")),
            "1 short row (row 3, line 4)\n");
  EXPECT_EQ(ShortRowsLine(FromText<pb::Report>(
                R"(short_rows { count: 7 row: 2 file: "t.csv" line: 4 })")),
            "7 short rows (first: row 3, line 4)\n");
  EXPECT_EQ(ShortRowsLine(pb::Report()), "");
}

TEST(ReportText, ShowsWhatTrainingFound) {
  const auto job = FromText<pb::Job>(R"(
kind: TRAIN pipeline: "cancer@1" request { spec { model {} } }
progress { rows_read: 569 rows_rejected: 2 }
report {
  train_rows: 400 validation_rows: 67 test_rows: 100
  features: "a" features: "b" rounds: 42
  test { metrics { name: "accuracy" value: 0.97 }
         metrics { name: "roc_auc" value: 0.99 error_bound: 0.001 }
         baseline { name: "accuracy" value: 0.63 }
         labels: "B" labels: "M" confusion: 60 confusion: 1 confusion: 2
         confusion: 37 }
  validation { metrics { name: "accuracy" value: 0.95 } }
  importance { feature: "a" share: 0.75 } importance { feature: "b" share: 0.25 }
})");
  EXPECT_EQ(
      TrainReport(job),
      R"(rows      569 read, 567 used, 2 rejected (train 400, validation 67, test 100)
features  2
rounds    42

metric              test  baseline  validation  baseline
accuracy          0.9700    0.6300      0.9500         -
roc_auc   0.9900 +-0.001         -           -         -

true \ predicted   B   M
B                 60   1
M                  2  37

most important features                                   share
a                        ##############################  75.0 %
b                        ##########                      25.0 %

stored as cancer@1
score with:  troupe score cancer@1 --input FILE --output predictions.csv
)");
}

TEST(ReportText, NamesTransformAfterTrainingWithoutAModel) {
  const auto job = FromText<pb::Job>(R"(
kind: TRAIN pipeline: "steps@1" request { spec { name: "steps" } })");
  EXPECT_THAT(TrainReport(job), HasSubstr("troupe transform steps@1 "));
  EXPECT_THAT(TrainReport(job), testing::Not(HasSubstr("troupe score")));
}

TEST(ReportText, ShowsTheTenMostImportantFeatures) {
  pb::Report report;
  for (int i = 0; i < 30; ++i) {
    auto& feature = *report.add_importance();
    feature.set_feature("f" + std::to_string(i));
    feature.set_share(0.01);
  }
  const std::string bars = ImportanceBars(report);
  EXPECT_THAT(bars, HasSubstr("f9 "));
  EXPECT_THAT(bars, testing::Not(HasSubstr("f10")));
}

TEST(ReportText, SaysThatMetricsAreWeighted) {
  const auto report = FromText<pb::Report>(R"(
test { weighted: true metrics { name: "mae" value: 2 } })");
  EXPECT_EQ(MetricsTable(report),
            "weighted metric    test  baseline\n"
            "mae              2.0000         -\n");
}

TEST(ReportText, LeavesOutAConfusionThatDoesNotFitItsLabels) {
  EXPECT_EQ(ConfusionTable(FromText<pb::Evaluation>(
                R"(labels: "a" labels: "b" confusion: 1)")),
            "");
}

TEST(ReportText, NamesTheFirstRejectedRows) {
  pb::Job job;
  job.mutable_progress()->set_rows_rejected(9);
  for (int i = 0; i < 9; ++i) {
    auto& row = *job.mutable_report()->add_rejected();
    row.set_row(i);
    row.set_reason("BAD_ROW");
    row.set_message("a.csv:3: too many fields");
  }
  EXPECT_THAT(RejectedRows(job),
              HasSubstr("row 4: BAD_ROW: a.csv:3: too many fields\n  and 4 "
                        "more\n"));
}

TEST(ReportText, ShowsColumnsAndFirstRowsOfAFile) {
  auto job = FromText<pb::Job>(R"(
progress { rows_read: 1000 }
report { columns { name: "id" type: INT64 }
         columns { name: "word" type: STRING missing: 1 } })");
  job.mutable_report()->set_preview(SerializeTable(SmallTable()).value());
  const auto text = InspectReport(job);
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, R"(1,000 rows, 2 columns

column  type    missing
id      int64         0
word    string        1

first 2 rows
                 id  word
                  7  a b
9223372036854775807  -
)");
}

TEST(ReportText, RefusesABrokenPreview) {
  pb::Job job;
  job.mutable_report()->set_preview("not a table");
  EXPECT_FALSE(InspectReport(job).ok());
}

TEST(ReportText, ShowsDatesAndTimes) {
  ColumnBuilder days(pb::DATE);
  days.AppendInt64(1);
  ColumnBuilder moments(pb::TIMESTAMP);
  moments.AppendInt64(0);
  Table table;
  table.rows = 1;
  table.schema = {{"day", pb::DATE}, {"moment", pb::TIMESTAMP}};
  table.columns.push_back(days.Finish());
  table.columns.push_back(moments.Finish());
  EXPECT_THAT(TableText(table), HasSubstr("1970-01-02"));
  const auto rows = TableRows(table);
  const auto& fields = rows.values(0).struct_value().fields();
  EXPECT_EQ(fields.at("day").string_value(), "1970-01-02");
  EXPECT_THAT(fields.at("moment").string_value(), HasSubstr("1970-01-01"));
}

TEST(ReportText, KeepsLargeWholeNumbersInJson) {
  const auto rows = TableRows(SmallTable());
  const auto& second = rows.values(1).struct_value().fields();
  EXPECT_EQ(second.at("id").string_value(), "9223372036854775807");
  EXPECT_TRUE(second.at("word").has_null_value());
  EXPECT_EQ(rows.values(0).struct_value().fields().at("id").number_value(), 7);
}

TEST(ReportText, ShowsAPipelineWithItsFile) {
  const auto pipeline = FromText<pb::Pipeline>(R"(
name: "cancer" version: 2 spec { name: "cancer" split { test: 0.2 } }
input { fields { name: "radius" type: FLOAT64 role: FEATURE } }
output { fields { name: "prediction" type: STRING role: OUTPUT } }
hops { stage: "preprocessor" features: "radius" artifact: "abcdefabcdefabcdef" }
hops { stage: "model" artifact: "fedcbafedcbafedcba" evaluator: "troupe" }
report { importance { feature: "radius" share: 1 } })");
  const std::string text = PipelineText(pipeline);
  for (const char* part :
       {"cancer@2, stored ", "name: cancer\n", "radius  float64  feature",
        "prediction  string  output", "preprocessor", "abcdefabcdef...",
        "fedcbafedcba...  troupe", "100.0 %"})
    EXPECT_THAT(text, HasSubstr(part));
}

}  // namespace
}  // namespace troupe
