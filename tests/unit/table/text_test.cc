// Numbers and tables as text.
#include <cstring>
#include <fstream>
#include <string>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"
#include "services/table/column_builder.h"
#include "services/table/number_text.h"
#include "services/table/table_text.h"

namespace troupe {
namespace {

// A table of one row per value: text, number, whole number, flag.
Table MixedTable() {
  ColumnBuilder text(pb::STRING), number(pb::FLOAT64), whole(pb::INT64),
      flag(pb::BOOL);
  text.AppendText("a,\"b\"\n");
  number.AppendDouble(0.5);
  whole.AppendInt64(-7);
  flag.AppendBool(true);
  text.AppendNull();
  number.AppendNull();
  whole.AppendNull();
  flag.AppendNull();
  Table table;
  table.rows = 2;
  table.schema = {{"t", pb::STRING, pb::CARRY},
                  {"n,1", pb::FLOAT64, pb::CARRY},
                  {"w", pb::INT64, pb::CARRY},
                  {"f", pb::BOOL, pb::CARRY}};
  table.columns = {text.Finish(), number.Finish(), whole.Finish(),
                   flag.Finish()};
  return table;
}

TEST(NumberText, EqualsPythonsRepr) {
  std::ifstream golden("tests/golden/number_text.golden");
  std::string bits, expected;
  int lines = 0;
  for (; golden >> bits >> expected; ++lines) {
    const uint64_t raw = std::stoull(bits, nullptr, 16);
    double value;
    std::memcpy(&value, &raw, sizeof(value));
    std::string text;
    AppendDouble(value, &text);
    ASSERT_EQ(text, expected) << bits;
  }
  EXPECT_GT(lines, 5000);
}

TEST(TableText, WritesCsvAsPandasDoes) {
  const Table table = MixedTable();
  std::string text;
  AppendHeader(table.schema, pb::CSV, &text);
  AppendRows(table, pb::CSV, &text);
  EXPECT_EQ(text, "t,\"n,1\",w,f\n\"a,\"\"b\"\"\n\",0.5,-7,True\n,,,\n");
}

TEST(TableText, WritesJsonLinesWithNullForMissing) {
  std::string text;
  AppendHeader(MixedTable().schema, pb::JSONL, &text);
  AppendRows(MixedTable(), pb::JSONL, &text);
  EXPECT_EQ(
      text,
      "{\"t\": \"a,\\\"b\\\"\\n\", \"n,1\": 0.5, \"w\": -7, \"f\": true}\n"
      "{\"t\": null, \"n,1\": null, \"w\": null, \"f\": null}\n");
}

TEST(TableText, NeverWritesAnEmptyLine) {
  ColumnBuilder text(pb::STRING);
  text.AppendNull();
  Table table;
  table.rows = 1;
  table.schema = {{"only", pb::STRING, pb::CARRY}};
  table.columns = {text.Finish()};
  std::string out;
  AppendRows(table, pb::CSV, &out);
  EXPECT_EQ(out, "\"\"\n");
}

TEST(TableText, WritesInfinityAsNullInJson) {
  Table table;
  table.rows = 1;
  table.schema = {{"x", pb::FLOAT64, pb::CARRY}};
  table.columns = {Column::FromDoubles({HUGE_VAL})};
  std::string csv, json;
  AppendRows(table, pb::CSV, &csv);
  AppendRows(table, pb::JSONL, &json);
  EXPECT_EQ(csv + json, "inf\n{\"x\": null}\n");
}

// A column of JSON values, one without a key; beside it, numbers.
Table TokenTable() {
  ColumnBuilder token(pb::JSON);
  for (const char* text : {"1.50", "true", "null", "\"a,b\"",
                           "\"caf\\u00e9 \\\"x\\\"\"", "{\"k\": 1}"})
    token.AppendText(text);
  token.AppendNull();
  Table table;
  table.rows = 7;
  table.schema = {{"c", pb::JSON, pb::CARRY}, {"n", pb::FLOAT64, pb::OUTPUT}};
  table.columns = {token.Finish(), Column::FromDoubles({1, 2, 3, 4, 5, 6, 7})};
  return table;
}

TEST(TableText, WritesJsonValuesToJsonLinesAsTheyStood) {
  std::string out;
  AppendRows(TokenTable(), pb::JSONL, &out);
  EXPECT_EQ(out,
            "{\"c\": 1.50, \"n\": 1.0}\n{\"c\": true, \"n\": 2.0}\n"
            "{\"c\": null, \"n\": 3.0}\n{\"c\": \"a,b\", \"n\": 4.0}\n"
            "{\"c\": \"caf\\u00e9 \\\"x\\\"\", \"n\": 5.0}\n"
            "{\"c\": {\"k\": 1}, \"n\": 6.0}\n{\"n\": 7.0}\n");
}

TEST(TableText, WritesTheTextOfJsonValuesToCsv) {
  std::string out;
  AppendRows(TokenTable(), pb::CSV, &out);
  EXPECT_EQ(out,
            "1.50,1.0\ntrue,2.0\nnull,3.0\n\"a,b\",4.0\n"
            "\"caf\u00e9 \"\"x\"\"\",5.0\n\"{\"\"k\"\": 1}\",6.0\n,7.0\n");
}

TEST(TableText, EscapesControlCharactersInJson) {
  std::string out;
  AppendJsonString(absl::string_view("\x01\t\x7f\0z", 5), &out);
  EXPECT_EQ(out, "\"\\u0001\\u0009\\u007f\\u0000z\"");
}

}  // namespace
}  // namespace troupe
