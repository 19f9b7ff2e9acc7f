// Numbers and tables as text.
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include "absl/base/casts.h"
#include "absl/strings/string_view.h"
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

// The digits and the exponent of a number's text, without point and zeros.
std::pair<std::string, int> DigitsOf(absl::string_view text) {
  std::string digits;
  int exponent = 0;
  int point = -1;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == 'e') {
      exponent = std::stoi(std::string(text.substr(i + 1)));
      break;
    }
    if (text[i] == '.') point = static_cast<int>(digits.size());
    if (text[i] >= '0' && text[i] <= '9') digits.push_back(text[i]);
  }
  exponent += point < 0 ? static_cast<int>(digits.size()) : point;
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return {"", 0};
  exponent -= static_cast<int>(first);
  const size_t last = digits.find_last_not_of('0');
  return {digits.substr(first, last + 1 - first), exponent};
}

TEST(NumberText, HasTheDigitsOfTheStandardLibrary) {
  std::mt19937_64 random(20261128);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t bits = random();
    const double values[] = {
        absl::bit_cast<double>(bits), normal(random),
        static_cast<double>(bits % 10'000'000) / 1e4,
        static_cast<double>(bits >> bits % 64),
        static_cast<double>(static_cast<float>(normal(random)))};
    for (const double value : values) {
      if (!std::isfinite(value)) continue;
      std::string ours;
      AppendDouble(value, &ours);
      char theirs[32];
      const char* end = std::to_chars(theirs, theirs + 32, value,
                                      std::chars_format::scientific)
                            .ptr;
      ASSERT_EQ(DigitsOf(ours),
                DigitsOf(absl::string_view(theirs, end - theirs)))
          << ours;
      ASSERT_LE(ours.size(), kMaxNumberBytes);
    }
  }
}

TEST(NumberText, WritesWholeNumbers) {
  std::string text;
  for (const int64_t value :
       {int64_t{0}, int64_t{-1}, int64_t{10}, int64_t{99'999'999},
        int64_t{100'000'000}, int64_t{-1'234'567'890'123'456'789},
        std::numeric_limits<int64_t>::max(),
        std::numeric_limits<int64_t>::min()}) {
    AppendInt(value, &text);
    text.push_back(' ');
  }
  EXPECT_EQ(text,
            "0 -1 10 99999999 100000000 -1234567890123456789 "
            "9223372036854775807 -9223372036854775808 ");
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

// Every row may stand for the same long text.
TEST(TableText, StopsOnceThereIsMoreThanWanted) {
  ColumnBuilder text(pb::STRING);
  for (int i = 0; i < 1000; ++i) text.AppendText(std::string(99, 'x'));
  Table table;
  table.rows = 1000;
  table.schema = {{"t", pb::STRING, pb::CARRY}};
  table.columns = {text.Finish()};
  for (const pb::Format format : {pb::CSV, pb::JSONL}) {
    std::string out;
    AppendRows(table, format, &out, 1000);
    EXPECT_GT(out.size(), 1000u);
    EXPECT_LE(out.size(), 1200u);
  }
}

TEST(TableText, NeverWritesAnEmptyLine) {
  for (const DataType type : {pb::STRING, pb::JSON}) {
    ColumnBuilder text(type);
    text.AppendNull();
    text.AppendText(type == pb::JSON ? "\"\"" : "");
    Table table;
    table.rows = 2;
    table.schema = {{"only", type, pb::CARRY}};
    table.columns = {text.Finish()};
    std::string out;
    AppendRows(table, pb::CSV, &out);
    EXPECT_EQ(out, "\"\"\n\"\"\n");
  }
}

TEST(TableText, WritesTheHeaderOfANamelessColumn) {
  std::string out;
  AppendHeader({{"", pb::STRING, pb::CARRY}}, pb::CSV, &out);
  EXPECT_EQ(out, "\"\"\n");
}

TEST(TableText, WritesTextsLongerThanItsBuffer) {
  ColumnBuilder text(pb::STRING), whole(pb::INT64);
  const std::string quotes(100'000, '"');
  for (int i = 0; i < 3; ++i) {
    text.AppendText(quotes);
    whole.AppendInt64(i);
  }
  Table table;
  table.rows = 3;
  table.schema = {{"t", pb::STRING, pb::CARRY}, {"w", pb::INT64, pb::CARRY}};
  table.columns = {text.Finish(), whole.Finish()};
  std::string csv, json;
  AppendRows(table, pb::CSV, &csv);
  AppendRows(table, pb::JSONL, &json);
  std::string escaped;
  for (int i = 0; i < 100'000; ++i) escaped.append("\\\"");
  std::string expected_csv, expected_json;
  for (int i = 0; i < 3; ++i) {
    expected_csv += '"' + quotes + quotes + "\"," + std::to_string(i) + '\n';
    expected_json +=
        "{\"t\": \"" + escaped + "\", \"w\": " + std::to_string(i) + "}\n";
  }
  EXPECT_TRUE(csv == expected_csv);
  EXPECT_TRUE(json == expected_json);
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

TEST(TableText, WritesTimesAsIso) {
  ColumnBuilder date(pb::DATE), timestamp(pb::TIMESTAMP);
  date.AppendInt64(19782);
  timestamp.AppendInt64(19782 * kMicrosPerDay + 1'500'000);
  Table table;
  table.rows = 1;
  table.schema = {{"d", pb::DATE, pb::FEATURE},
                  {"t", pb::TIMESTAMP, pb::FEATURE}};
  table.columns = {date.Finish(), timestamp.Finish()};
  std::string csv, json;
  AppendRows(table, pb::CSV, &csv);
  AppendRows(table, pb::JSONL, &json);
  EXPECT_EQ(csv, "2024-02-29,2024-02-29 00:00:01.500000\n");
  EXPECT_EQ(json,
            "{\"d\": \"2024-02-29\", \"t\": \"2024-02-29 "
            "00:00:01.500000\"}\n");
}

TEST(TableText, EscapesControlCharactersInJson) {
  std::string out;
  AppendJsonString(absl::string_view("\x01\t\x7f\0z", 5), &out);
  EXPECT_EQ(out, "\"\\u0001\\u0009\\u007f\\u0000z\"");
}

}  // namespace
}  // namespace troupe
