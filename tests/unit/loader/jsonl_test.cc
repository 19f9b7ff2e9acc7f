#include "absl/time/clock.h"
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
      ReadText("{\"a\":1}\n{\"z\":1,\"y\":tru}\n", "t.jsonl");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->names, ElementsAre("a"));
  EXPECT_THAT(input->rejected,
              ElementsAre("1 BAD_ROW t.jsonl:2:12: column \"y\" holds no JSON "
                          "value"));
}

TEST(Jsonl, DeepNestingRejectsItsRow) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  const auto input = ReadText("{\"a\":1}\n{\"a\":" + nested(1'000'000) +
                                  "}\n{\"a\":" + std::string(1'000'000, '[') +
                                  "}\n{\"a\":2}\n",
                              "t.jsonl");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->rows, (Rows{{"1"}, {"2"}}));
  EXPECT_THAT(input->rejected,
              ElementsAre(StartsWith("1 BAD_ROW"), StartsWith("2 BAD_ROW")));
}

TEST(Jsonl, ANestedValueRejectsItsRowWhereItsColumnIsWanted) {
  LoaderBelowFolder setup;
  const pb::Source source = SourceAt(setup.folder.Write(
      "t.jsonl",
      "{\"a\":1,\"y\":[1, {\"z\": \"]\"}]}\n{\"a\":2,\"y\":3}\n"
      "{\"a\":4,\"y\":{\"b\":[}]}\n{\"y\":{},\"a\":5}\n"));
  const absl::StatusOr<WholeInput> all = ReadAll(*setup.loader, source);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(all->types, ElementsAre("int64", "int64"));
  EXPECT_EQ(all->rows, (Rows{{"2", "3"}}));
  EXPECT_THAT(
      all->rejected,
      ElementsAre("0 BAD_ROW t.jsonl:1:12: column \"y\" holds an array; "
                  "only single values can be read",
                  StartsWith("2 BAD_ROW t.jsonl:3:1: not a JSON object"),
                  "3 BAD_ROW t.jsonl:4:6: column \"y\" holds an object; "
                  "only single values can be read"));
  pb::Schema a;
  a.add_fields()->set_name("a");
  a.mutable_fields(0)->set_type(pb::INT64);
  const absl::StatusOr<WholeInput> one = ReadAll(*setup.loader, source, 0, a);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->rows, (Rows{{"1"}, {"2"}, {"5"}}));
  EXPECT_EQ(one->rejected.size(), 1U);
}

TEST(Jsonl, AnEmptyKeyIsAColumn) {
  const absl::StatusOr<WholeInput> input =
      ReadText("{\"a\":1}\n{\"\":0}\n", "t.jsonl");
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_THAT(input->names, ElementsAre("a", ""));
  EXPECT_EQ(input->rows, (Rows{{"1", "<missing>"}, {"<missing>", "0"}}));
}

TEST(Jsonl, OtherJsonIsExplained) {
  const auto failure = [](const std::string& text) {
    return Failure(ReadText(text, "t.jsonl"));
  };
  for (const char* array :
       {"[{\"a\":1},{\"a\":2}]", "[\n{\"a\":1},\n{\"a\":2}\n]",
        "\n [ \n  {\n \"a\": 1}]\n", "[ {\n\"a\":1}]"})
    EXPECT_THAT(failure(array), HasSubstr(": a JSON array; JSON Lines has one"))
        << array;
  for (const char* object : {"{\n  \"a\": 1\n}\n{\n \"a\": 2\n}\n",
                             "{\"a\": 1,\n\"b\": 2}\n", "{\"a\": {\"}\":\n1}}"})
    EXPECT_THAT(failure(object), HasSubstr(": an object over several lines"))
        << object;
  // Lines of their own: bad rows.
  for (const char* rows : {"[1,2]\n{\"a\":1}\n", "{\"a\":1\n{\"a\":2}\n",
                           "{\"a\":\"{\"}\n", "[]\n{\"a\":1}\n"})
    EXPECT_EQ(failure(rows), "OK") << rows;
}

TEST(Jsonl, ManyKeysAreRefusedAtOnce) {
  std::string own;
  std::string sparse;
  for (int i = 0; i < 100'000; ++i) {
    absl::StrAppend(&own, "{\"k", i, "\":", i, "}\n");
    absl::StrAppend(&sparse, "{\"k", i % 10'000, "\":", i, "}\n");
  }
  LoaderBelowFolder setup;
  pb::PlanRequest request =
      PlanRequestFor(SourceAt(setup.folder.Write("own.jsonl", own)));
  const absl::Time begin = absl::Now();
  EXPECT_EQ(Failure(PlanAll(*setup.loader, request)),
            "BAD_INPUT: own.jsonl:10001: 10001 columns; at most 10000 can be "
            "read");
  request = PlanRequestFor(SourceAt(setup.folder.Write("s.jsonl", sparse)));
  EXPECT_EQ(Failure(PlanAll(*setup.loader, request)), "OK");
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));  // Minutes, if quadratic.
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
