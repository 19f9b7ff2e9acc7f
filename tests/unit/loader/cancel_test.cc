// That whoever waits for a split can leave while it is read.
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/loader/split_loader.h"
#include "tests/testing/leaving_caller.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using testing::HasSubstr;

struct SplitCase {
  const char* name;
  const char* file;
  std::string text;  // Without a header; of column "c0" at least.
  int64_t rows;

  friend std::ostream& operator<<(std::ostream& out, const SplitCase& split) {
    return out << split.name;
  }
};

std::string ManyRows() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) absl::StrAppend(&text, i, "\n");
  return text;
}

// 6 rows of 100 KB.
std::string HugeRows() {
  std::string text;
  for (int i = 0; i < 6; ++i) text += std::string(100'000, 'x') + "\n";
  return text;
}

// As HugeRows, but every field ends within quotes.
std::string HugeQuotedRows() {
  std::string text;
  for (int i = 0; i < 6; ++i)
    absl::StrAppend(&text, "\"", std::string(100'000, ','), "\"\n");
  return text;
}

// 6 rows of 10,000 keys, 100 KB each.
std::string ManyKeys() {
  std::string text;
  for (int row = 0; row < 6; ++row) {
    std::string keys;
    for (int i = 0; i < 10'000; ++i)
      absl::StrAppend(&keys, i > 0 ? "," : "", "\"c", i, "\":1");
    absl::StrAppend(&text, "{", keys, "}\n");
  }
  return text;
}

class Leaving : public testing::TestWithParam<SplitCase> {
 protected:
  Leaving() {
    request_.mutable_source()->set_path(GetParam().file);
    request_.add_source_columns("c0");
    pb::Field& field = *request_.mutable_schema()->add_fields();
    field.set_name("c0");
    field.set_type(pb::STRING);
    request_.mutable_split()->set_rows(GetParam().rows);
    request_.mutable_split()->set_file(GetParam().file);
    // No multiple of a number of rows after which anybody would look.
    request_.mutable_split()->set_first_row(5);
  }
  absl::StatusOr<LoadedSplit> Load(const Context& context) const {
    return LoadSplit(request_, GetParam().text, context, LoaderOptions().simd);
  }
  // Of one split, whose types are looked for.
  absl::StatusOr<int64_t> Plan(const Context& context) const {
    pb::PlanRequest request;
    *request.mutable_source() = request_.source();
    request.mutable_source()->mutable_csv()->add_names("c0");
    request.set_split_bytes(4 << 20);
    request.mutable_inline_text()->set_text(GetParam().text);
    request.mutable_inline_text()->set_name(GetParam().file);
    request.mutable_inline_text()->set_last(true);
    ASSIGN_OR_RETURN(const pb::PlanResponse plan,
                     LoaderBelowFolder().loader->Plan(request, context));
    return plan.rows();
  }
  absl::StatusOr<int> Find(const Context& context) const {
    pb::ReadRecordsRequest request;
    *request.mutable_source() = request_.source();
    *request.mutable_split() = request_.split();
    request.add_rows(request_.split().first_row() + GetParam().rows - 1);
    ASSIGN_OR_RETURN(const pb::ReadRecordsResponse response,
                     FindRecords(request, GetParam().text, context));
    return response.records_size();
  }

  pb::LoadRequest request_;
};

TEST_P(Leaving, ReadsAllForOneWhoStays) {
  EXPECT_EQ(Load(NoContext())->table.rows, GetParam().rows);
  EXPECT_EQ(*Plan(NoContext()), GetParam().rows);
  EXPECT_EQ(*Find(NoContext()), 1);
}

TEST_P(Leaving, ReadsNothingForOneWhoLeftBefore) {
  EXPECT_THAT(Failure(Load(ContextOfCallerLeavingAfter(0))),
              HasSubstr("CALLER_LEFT"));
  EXPECT_THAT(Failure(Plan(ContextOfCallerLeavingAfter(0))),
              HasSubstr("CALLER_LEFT"));
  EXPECT_THAT(Failure(Find(ContextOfCallerLeavingAfter(0))),
              HasSubstr("CALLER_LEFT"));
}

TEST_P(Leaving, EndsWithinTheSplit) {
  EXPECT_THAT(Failure(Load(ContextOfCallerLeavingAfter(3))),
              HasSubstr("CALLER_LEFT"));
  // Who plans looks up to four times beside.
  EXPECT_THAT(Failure(Plan(ContextOfCallerLeavingAfter(5))),
              HasSubstr("CALLER_LEFT"));
  EXPECT_THAT(Failure(Find(ContextOfCallerLeavingAfter(3))),
              HasSubstr("CALLER_LEFT"));
}

INSTANTIATE_TEST_SUITE_P(
    Splits, Leaving,
    testing::Values(SplitCase{"ManyRows", "t.csv", ManyRows(), 20'000},
                    SplitCase{"HugeRows", "t.csv", HugeRows(), 6},
                    SplitCase{"HugeQuotedRows", "t.csv", HugeQuotedRows(), 6},
                    SplitCase{"ManyKeys", "t.jsonl", ManyKeys(), 6}),
    [](const auto& param) { return std::string(param.param.name); });

// A row of few bytes has a cell for every column that is wanted.
TEST(LeavingLoad, EndsWithinShortRowsOfManyColumns) {
  pb::LoadRequest request;
  request.mutable_source()->set_path("t.jsonl");
  for (int i = 0; i < 10'000; ++i) {
    pb::Field& field = *request.mutable_schema()->add_fields();
    field.set_name(absl::StrCat("c", i));
    field.set_type(pb::BOOL);
    request.add_source_columns(field.name());
  }
  std::string text;
  for (int i = 0; i < 100; ++i) text += "{}\n";
  request.mutable_split()->set_rows(100);
  request.mutable_split()->set_file("t.jsonl");
  EXPECT_THAT(Failure(LoadSplit(request, text, ContextOfCallerLeavingAfter(3),
                                LoaderOptions().simd)),
              HasSubstr("CALLER_LEFT"));
}

}  // namespace
}  // namespace troupe::loader
