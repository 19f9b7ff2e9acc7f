#include "client/cli/pipeline_draft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/spec/spec_loader.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A table of these columns, whose rows are lines of JSON.
TableProfile Profile(
    const std::vector<std::pair<std::string, pb::DataType>>& columns,
    const std::vector<std::string>& rows) {
  pb::Report report;
  for (const auto& [name, type] : columns) {
    pb::ColumnReport& column = *report.add_columns();
    column.set_name(name);
    column.set_type(type);
  }
  TableProfile table(report);
  for (const std::string& row : rows) EXPECT_TRUE(table.Add(row).ok());
  return table;
}

TableProfile Customers() {
  std::vector<std::string> rows;
  for (int i = 0; i < 100; ++i)
    rows.push_back(absl::StrCat(R"({"customer_id":)", 7 * i, R"(,"a: b":)",
                                i % 9, R"(,"city":")", i % 2 ? "X" : "Y",
                                R"(","note":"n)", i, R"(","churned":")",
                                i % 3 ? "no" : "yes", R"("})"));
  return Profile({{"customer_id", pb::INT64},
                  {"a: b", pb::INT64},
                  {"city", pb::STRING},
                  {"note", pb::STRING},
                  {"churned", pb::STRING}},
                 rows);
}

TEST(PipelineDraft, IsAFileThatIsRead) {
  DraftOptions options;
  options.name = "c";
  options.source.set_path("c d.csv");
  options.source.mutable_csv()->set_delimiter(";");
  const auto text = DraftPipeline(Customers(), options);
  ASSERT_TRUE(text.ok());
  const auto loaded = ParseSpec(*text, "f");
  ASSERT_TRUE(loaded.ok()) << loaded.status() << *text;
  const pb::PipelineSpec& spec = loaded->spec;
  EXPECT_EQ(spec.source().path(), "c d.csv");
  EXPECT_EQ(spec.source().csv().delimiter(), ";");
  EXPECT_EQ(spec.roles().target(), "churned");
  EXPECT_THAT(spec.roles().carry(), ElementsAre("customer_id"));
  EXPECT_THAT(spec.roles().drop(), ElementsAre("note"));
  EXPECT_EQ(spec.model().xgboost().objective(), "binary");
}

TEST(PipelineDraft, TakesTheTargetThatIsTold) {
  DraftOptions options;
  options.name = "c";
  options.target = "a: b";
  EXPECT_THAT(*DraftPipeline(Customers(), options),
              HasSubstr("target: \"a: b\""));
  options.target = "churnd";
  EXPECT_EQ(ReasonOf(DraftPipeline(Customers(), options).status()),
            "UNKNOWN_COLUMN");
}

TEST(PipelineDraft, SaysWhenNothingCanBeLearned) {
  const TableProfile table = Profile({{"a", pb::STRING}}, {R"({"a":"x"})"});
  EXPECT_EQ(ReasonOf(DraftPipeline(table, {}).status()), "NO_TARGET");
}

TEST(PipelineName, HoldsWhatANameMayHold) {
  EXPECT_EQ(PipelineName("a b.c-\xc3\xa9"), "a_b_c-__");
  EXPECT_EQ(PipelineName(""), "pipeline");
}

TEST(TableProfile, SeesHowTheTableIsWritten) {
  const TableProfile table =
      Profile({{"a", pb::STRING}, {"b", pb::STRING}},
              {R"({"a":" x","b":"1,5"})", R"({"a":" ?","b":"2,25"})"});
  pb::CsvOptions csv;
  csv.set_delimiter(";");
  EXPECT_TRUE(AdjustDialect(table, csv));
  EXPECT_THAT(csv.na_values(), ElementsAre("?"));
  EXPECT_EQ(csv.decimal(), ",");
  EXPECT_TRUE(csv.skip_initial_space());
  EXPECT_FALSE(AdjustDialect(table, csv));
}

TEST(TableProfile, TellsARowFromAHeader) {
  EXPECT_TRUE(NamesLookLikeValues(
      Profile({{"5.1", pb::FLOAT64}, {"setosa", pb::STRING}}, {})));
  EXPECT_FALSE(NamesLookLikeValues(
      Profile({{"a", pb::INT64}, {"2019", pb::INT64}, {"b", pb::INT64}}, {})));
}

}  // namespace
}  // namespace troupe
