// Input that cannot be read, and exactly what its owner is told.
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using testing::ElementsAre;

std::string FailureOf(absl::string_view text,
                      const std::string& name = "t.csv") {
  return Failure(ReadText(text, name));
}

std::vector<std::string> RejectedIn(absl::string_view text) {
  const absl::StatusOr<WholeInput> input = ReadText(text);
  return input.ok() ? input->rejected
                    : std::vector<std::string>{input.status().ToString()};
}

TEST(BadInput, AnEmptyFile) {
  EXPECT_EQ(FailureOf(""), "BAD_INPUT: t.csv: the file is empty");
  EXPECT_EQ(FailureOf("", "t.jsonl"), "BAD_INPUT: t.jsonl: the file is empty");
}

TEST(BadInput, AFileOfBlankLines) {
  EXPECT_EQ(FailureOf("\n \n\r\n"),
            "BAD_INPUT: t.csv: the file has only blank lines and comments");
}

TEST(BadInput, AnUnclosedQuoteIsNamedByTheLineWhereItOpens) {
  EXPECT_EQ(
      FailureOf("a,b\n\"1\n2\",\"x\n3,4\n"),
      "BAD_INPUT: t.csv:3: the quote that opens in this line is never closed");
  EXPECT_EQ(
      FailureOf("a,\"b\n1,2\n"),
      "BAD_INPUT: t.csv:1: the quote that opens in this line is never closed");
}

TEST(BadInput, ARecordThatIsTooLong) {
  LoaderOptions options;
  options.max_record_bytes = 100;
  LoaderBelowFolder setup(options);
  const std::string long_line = std::string(101, 'x') + "\n";
  setup.folder.Write("t.csv", "a\n1\n" + long_line + "2\n");
  EXPECT_EQ(Failure(ReadAll(*setup.loader, SourceAt("t.csv"))),
            "BAD_INPUT: t.csv:3: the record that begins here is longer than "
            "100 bytes (--max_record_bytes)");
}

TEST(BadInput, ALineOf100MebibytesIsRefusedAfterAFewOfThem) {
  LoaderBelowFolder setup;
  setup.folder.Write("t.csv", "a\n1\n\"");
  std::filesystem::resize_file(setup.folder.path() / "t.csv", 100 << 20);
  EXPECT_EQ(Failure(ReadAll(*setup.loader, SourceAt("t.csv"))),
            "BAD_INPUT: t.csv:3: the record that begins here is longer than "
            "8388608 bytes (--max_record_bytes); the quote opened in line 3 "
            "may not be closed");
}

TEST(BadInput, TooManyColumns) {
  std::string header = "c0";
  for (int i = 1; i < 10'000; ++i) absl::StrAppend(&header, ",c", i);
  EXPECT_EQ(FailureOf(header + "\n1\n"), "OK");
  EXPECT_EQ(FailureOf(header + ",more\n1\n"),
            "BAD_INPUT: t.csv:1: 10001 columns; at most 10000 can be read");
}

TEST(BadInput, TooManyKeysInJson) {
  std::string record = "{\"c\":0";
  for (int i = 0; i < 10'000; ++i) absl::StrAppend(&record, ",\"", i, "\":1");
  EXPECT_EQ(FailureOf(record + "}\n", "t.jsonl"),
            "BAD_INPUT: t.jsonl:1: 10001 columns; at most 10000 can be read");
}

// A record of 64 MiB has millions of keys: nobody counts those beyond.
TEST(BadInput, KeysBeyondTheFirstTooManyAreNotKept) {
  std::string record = "{\"c\":0";
  for (int i = 0; i < 30'000; ++i) absl::StrAppend(&record, ",\"", i, "\":1");
  EXPECT_EQ(FailureOf(record + "}\n", "t.jsonl"),
            "BAD_INPUT: t.jsonl:1: 10001 columns; at most 10000 can be read");
}

TEST(BadInput, AHeaderThatIsNoText) {
  EXPECT_EQ(FailureOf("a,\xe9t\xe9\n1,2\n"),
            "BAD_INPUT: t.csv:1:3: byte 0xe9 is not valid UTF-8");
}

TEST(BadInput, BytesThatAreNoTextRejectTheirRow) {
  EXPECT_THAT(
      RejectedIn(absl::string_view("a,b\n1,\xc3(\nx,\0\nx,y\n", 17)),
      ElementsAre("0 BAD_ROW t.csv:2:3: byte 0xc3 is not valid UTF-8",
                  "1 BAD_ROW t.csv:3:3: a NUL byte; the text is damaged, or "
                  "is not UTF-8"));
}

TEST(BadInput, TooManyFieldsRejectTheirRow) {
  EXPECT_THAT(RejectedIn("a,b\n1,2\n3,4,5\n6,7,\n"),
              ElementsAre("1 BAD_ROW t.csv:3:5: expected 2 fields, saw 3",
                          "2 BAD_ROW t.csv:4:5: expected 2 fields, saw 3"));
}

TEST(BadInput, BadRowsSayNothingAboutTypes) {
  const absl::StatusOr<WholeInput> input =
      ReadText("a,b\n1,2\nx,y,z\nx\xff,q\n");
  ASSERT_TRUE(input.ok());
  EXPECT_THAT(input->types, ElementsAre("int64", "int64"));
}

TEST(BadSource, AnUnknownEndingNeedsAFormat) {
  EXPECT_EQ(FailureOf("a\n", "t.txt"),
            "BAD_SPEC: source.format: the ending of \"t.txt\" does not tell "
            "the format; say csv, tsv or jsonl");
}

TEST(BadSource, SpecialCharactersMustBeSingleAndDifferent) {
  pb::CsvOptions csv;
  csv.set_delimiter("::");
  EXPECT_EQ(Failure(ReadText("a\n", "t.csv", csv)),
            "BAD_SPEC: source.csv.delimiter: expected one ASCII character, not "
            "\"::\"");
  csv.set_delimiter(";");
  csv.set_comment(";");
  EXPECT_EQ(Failure(ReadText("a\n", "t.csv", csv)),
            "BAD_SPEC: source.csv.comment: the same character as delimiter");
}

}  // namespace
}  // namespace troupe::loader
