#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Rows = std::vector<std::vector<std::string>>;

TEST(Jsonl, ScalarsBecomeTypedColumns) {
  const absl::StatusOr<WholeInput> input = ReadText(
      "{\"b\":true,\"i\":1,\"f\":1.5,\"s\":\"x\",\"n\":null}\n"
      "{\"b\":false,\"i\":-2,\"f\":2,\"s\":\"\\u00e9\\n\",\"n\":null}\n",
      "t.jsonl");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->types,
              ElementsAre("bool", "int64", "float64", "string", "float64"));
  EXPECT_EQ(input->rows,
            (Rows{{"true", "1", "1.5", "x", "<missing>"},
                  {"false", "-2", "2", "\xc3\xa9\n", "<missing>"}}));
}

TEST(Jsonl, ColumnsAreTheUnionOfKeysInOrderOfAppearance) {
  const absl::StatusOr<WholeInput> input =
      ReadText("{\"b\":1,\"a\":2}\n\n{\"c\":3,\"a\":4}\r\n{}\n", "t.jsonl");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->names, ElementsAre("b", "a", "c"));
  EXPECT_EQ(input->rows, (Rows{{"1", "2", "<missing>"},
                               {"<missing>", "4", "3"},
                               {"<missing>", "<missing>", "<missing>"}}));
}

TEST(Jsonl, AColumnOfSeveralKindsIsTextAsItWasWritten) {
  const absl::StatusOr<WholeInput> input = ReadText(
      "{\"a\":1.50}\n{\"a\":\"x\"}\n{\"a\":true}\n{\"a\":\"NA\"}\n", "t.jsonl");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->rows, (Rows{{"1.50"}, {"x"}, {"true"}, {"NA"}}));
}

TEST(Jsonl, ADigitIsNeverLost) {
  const absl::StatusOr<WholeInput> input =
      ReadText("{\"a\":12345678901234567890123}\n{\"a\":1}\n", "t.jsonl");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->rows, (Rows{{"12345678901234567890123"}, {"1"}}));
}

TEST(Jsonl, TheLastOfTwoEqualKeysCounts) {
  const absl::StatusOr<WholeInput> input =
      ReadText("{\"a\":1,\"a\":2}\n", "t.jsonl");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->rows, (Rows{{"2"}}));
}

TEST(Jsonl, ABadRecordAddsNoColumns) {
  const absl::StatusOr<WholeInput> input =
      ReadText("{\"a\":1}\n{\"z\":1,\"y\":[1]}\n", "t.jsonl");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->names, ElementsAre("a"));
  EXPECT_THAT(
      input->rejected,
      ElementsAre("1 BAD_ROW t.jsonl:2:12: column \"y\" holds an array; "
                  "only single values can be read"));
}

TEST(Jsonl, WhatIsNoObjectIsABadRow) {
  const std::vector<std::string> bad = {"{\"a\":1",
                                        "{\"a\" 1}",
                                        "{\"a\":1}x",
                                        "[1]",
                                        "1",
                                        "\"a\"",
                                        "{\"a\":tru}",
                                        "{\"a\":01}",
                                        "{\"a\":1.}",
                                        "{\"a\":+1}",
                                        "{\"a\":NaN}",
                                        "{a:1}",
                                        "{\"a\":1 2}",
                                        "{\"a\":\"\\x\"}",
                                        "{\"a\":1,}",
                                        "{\"a\":1}{\"a\":2}",
                                        "{\"a\":}",
                                        "{",
                                        "}",
                                        "null",
                                        "{\"a\":-}",
                                        "{\"a\":{\"b\":1}}",
                                        "{\"a\":\"\\ud800\"}",
                                        "{\"a\":1e}"};
  for (const std::string& record : bad) {
    const absl::StatusOr<WholeInput> input =
        ReadText("{\"a\":7}\n" + record + "\n{\"a\":8}\n", "t.jsonl");
    ASSERT_TRUE(input.ok()) << record;
    EXPECT_EQ(input->rows, (Rows{{"7"}, {"8"}})) << record;
    ASSERT_EQ(input->rejected.size(), 1U) << record;
    EXPECT_THAT(input->rejected[0], StartsWith("1 BAD_ROW t.jsonl:2:"))
        << record;
  }
}

TEST(Jsonl, NewKeysInLaterSplitsCountAsMissingBefore) {
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write(
                         "t.jsonl", "{\"a\":1}\n{\"a\":2}\n{\"b\":1}\n")),
                     4);
  const absl::StatusOr<WholePlan> plan = PlanAll(*setup.loader, request);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->splits.size(), 3U);
  EXPECT_THAT(plan->last.missing(), ElementsAre(1, 2));
}

}  // namespace
}  // namespace troupe::loader
