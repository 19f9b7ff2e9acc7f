#include "client/cli/text_format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace troupe {
namespace {

TEST(TextFormat, CountsTheColumnsThatCharactersTake) {
  EXPECT_EQ(DisplayWidth("aé\u4e16\u754c"), 6u);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1u);
  EXPECT_EQ(Printable("\u4e16\u754c\u4e16\u754c", 7), "\u4e16\u754c...");
  EXPECT_EQ(Printable("\u4e16\u754c\u4e16\u754c", 6), "\u4e16...");
}

TEST(AlignedTable, FitsTheWidthItIsGiven) {
  const std::vector<std::vector<std::string>> rows = {
      {"job", "state", "input", "rows"},
      {"20261123-7f3a", "failed", "a/very/long/path/to/a/table.csv",
       "1,234,567"}};
  EXPECT_EQ(AlignedTable(rows, {50, false}),
            "job            state   input                  rows\n"
            "20261123-7f3a  failed  a/very/long/p...  1,234,567\n");
  for (const int width : {80, 50, 40, 30, 20, 10}) {
    std::istringstream lines(AlignedTable(rows, {width, false}));
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(DisplayWidth(line), static_cast<size_t>(width)) << line;
  }
}

TEST(AlignedTable, ColorsHeadersAndStates) {
  EXPECT_EQ(
      AlignedTable({{"job", "state", ""}, {"j", "failed", "why"}}, {0, true}),
      "\x1b[1mjob  state\x1b[0m\n"
      "j    \x1b[31mfailed\x1b[0m  why\n");
}

TEST(TextFormat, TellsAgesInOneUnit) {
  EXPECT_EQ(FormatAge(-5), "now");
  EXPECT_EQ(FormatAge(59.9), "59 s");
  EXPECT_EQ(FormatAge(61), "1 min");
  EXPECT_EQ(FormatAge(3600), "1 h");
  EXPECT_EQ(FormatAge(47.9 * 3600), "47 h");
  EXPECT_EQ(FormatAge(49 * 3600), "2 d");
}

TEST(TextFormat, GroupsThousands) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(1000), "1,000");
  EXPECT_EQ(FormatCount(-1234567), "-1,234,567");
  EXPECT_EQ(FormatCount(std::numeric_limits<int64_t>::min()),
            "-9,223,372,036,854,775,808");
}

TEST(TextFormat, WritesSizesAndTimes) {
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(int64_t{3} << 40), "3.0 TiB");
  EXPECT_EQ(FormatSeconds(59.6), "1:00");
  EXPECT_EQ(FormatSeconds(3675), "1:01:15");
  EXPECT_EQ(FormatSeconds(-1), "?");
  EXPECT_EQ(FormatSeconds(std::nan("")), "?");
}

TEST(TextFormat, WritesMetrics) {
  EXPECT_EQ(FormatMetric(0.97368), "0.9737");
  EXPECT_EQ(FormatMetric(0), "0.0000");
  EXPECT_EQ(FormatMetric(123456.789), "123457");
  EXPECT_EQ(FormatMetric(0.00001234), "1.234e-05");
  EXPECT_EQ(FormatMetric(std::nan("")), "-");
}

TEST(TextFormat, TakesTheSpellOutOfControlCharacters) {
  EXPECT_EQ(Printable("a\x1b[2Jb\nc\x7f"), "a [2Jb c ");
  EXPECT_EQ(Printable("a\xc2\x9b"
                      "31mb"),
            "a 31mb");
  EXPECT_EQ(Printable("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(PrintableLines("a\x1b\nb"), "a \nb");
}

TEST(TextFormat, CutsByCharactersNotBytes) {
  EXPECT_EQ(Printable("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 4),
            "\xc3\xa9...");
  EXPECT_EQ(Printable("abcd", 4), "abcd");
}

TEST(TextFormat, DrawsBars) {
  EXPECT_EQ(Bar(0, 4, '.'), "....");
  EXPECT_EQ(Bar(0.001, 4, '.'), "#...");
  EXPECT_EQ(Bar(0.5, 4, '.'), "##..");
  EXPECT_EQ(Bar(7, 4, '.'), "####");
  EXPECT_EQ(Bar(std::nan(""), 4, ' '), "    ");
}

TEST(AlignedTable, AlignsWordsLeftAndNumbersRight) {
  EXPECT_EQ(AlignedTable({{"name", "rows", "note"},
                          {"a", "1,000", "x"},
                          {"bcdef", "-", ""},
                          {"g", "12", "longer"}}),
            "name    rows  note\n"
            "a      1,000  x\n"
            "bcdef      -\n"
            "g         12  longer\n");
}

TEST(AlignedTable, CountsCharacters) {
  EXPECT_EQ(AlignedTable({{"a", "b"}, {"\xc3\xa9\xc3\xa9", "x"}}),
            "a   b\n\xc3\xa9\xc3\xa9  x\n");
}

TEST(AlignedTable, TakesRowsOfDifferentLengths) {
  EXPECT_EQ(AlignedTable({{"a"}, {"b", "c"}}), "a\nb  c\n");
  EXPECT_EQ(AlignedTable({}), "");
}

}  // namespace
}  // namespace troupe
