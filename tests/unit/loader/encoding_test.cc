// Text that is not UTF-8: decoded, cut and loaded as if it were.
#include "services/loader/formats/encoding.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using testing::ElementsAre;
using testing::StartsWith;
using Rows = std::vector<std::vector<std::string>>;

std::string Utf16(absl::string_view ascii, bool big_endian = false) {
  std::string bytes;
  for (const char c : ascii) {
    if (big_endian) bytes.push_back('\0');
    bytes.push_back(c);
    if (!big_endian) bytes.push_back('\0');
  }
  return bytes;
}

TEST(Encoding, NamesAreThoseThatPeopleUse) {
  for (const char* name : {"utf-8", "UTF8", "utf_8"})
    EXPECT_EQ(EncodingByName(name), pb::UTF_8) << name;
  for (const char* name : {"latin-1", "Latin1", "ISO-8859-1", "iso8859_1",
                           "cp1252", "windows-1252"})
    EXPECT_EQ(EncodingByName(name), pb::WINDOWS_1252) << name;
  EXPECT_EQ(EncodingByName("utf-16"), pb::UTF_16);
  EXPECT_EQ(EncodingByName("UTF-16LE"), pb::UTF_16LE);
  EXPECT_EQ(EncodingByName("utf-16-be"), pb::UTF_16BE);
  EXPECT_EQ(EncodingByName("shift-jis"), std::nullopt);
}

// Whatever the bytes, and wherever they are cut: a place in the text is a place
// in the bytes.
TEST(Encoding, EveryByteIsCountedAgain) {
  std::string bytes;
  for (int i = 0; i < 4096; ++i)
    bytes.push_back(static_cast<char>(i * 7 + i / 256 * 11));
  for (const pb::TextEncoding encoding :
       {pb::WINDOWS_1252, pb::UTF_16LE, pb::UTF_16BE}) {
    for (size_t size = 4000; size < 4096; ++size) {
      std::string text;
      const absl::string_view all = absl::string_view(bytes).substr(0, size);
      EXPECT_EQ(Decode(encoding, all, true, &text), size);
      EXPECT_EQ(EncodedBytes(encoding, text), size);
      std::string first;
      const size_t taken =
          Decode(encoding, all.substr(0, size / 3), false, &first);
      EXPECT_EQ(EncodedBytes(encoding, first), taken);
      Decode(encoding, all.substr(taken), true, &first);
      EXPECT_EQ(first, text);
    }
  }
}

TEST(Encoding, SplitsAreThoseOfTheDecodedText) {
  std::string text = "id,word\n";
  for (int i = 0; i < 2000; ++i) absl::StrAppend(&text, i, ",\"w,", i, "\"\n");
  for (const bool big_endian : {false, true}) {
    LoaderBelowFolder setup;
    pb::Source source = SourceAt(setup.folder.Write(
        "t.csv",
        (big_endian ? "\xfe\xff" : "\xff\xfe") + Utf16(text, big_endian)));
    const auto whole = ReadAll(*setup.loader, source);
    const auto parts = ReadAll(*setup.loader, source, 1000);
    ASSERT_TRUE(whole.ok()) << whole.status();
    ASSERT_TRUE(parts.ok()) << parts.status();
    EXPECT_EQ(whole->rows.size(), 2000U);
    EXPECT_EQ(whole->rows, parts->rows);
    EXPECT_GT(parts->splits, 20U);
    EXPECT_EQ(parts->rows[7], (std::vector<std::string>{"7", "w,7"}));
  }
}

TEST(Encoding, WhatIsNoCharacterRejectsItsRow) {
  pb::CsvOptions csv;
  csv.set_encoding("latin-1");
  auto input = ReadText("a,b\nJos\xe9,\x80\nx\x81,2\ny,3\n", "t.csv", csv);
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->rows, (Rows{{"Jos\xc3\xa9", "\xe2\x82\xac"}, {"y", "3"}}));
  EXPECT_THAT(input->rejected,
              ElementsAre("1 BAD_ROW t.csv:3:2: no character of windows-1252"));
  csv.set_encoding("utf-16");
  std::string utf16 = Utf16("a,b\nx,1\n?,2\ny,3\n");
  utf16[17] = '\xd8';  // A lone surrogate.
  utf16 += '!';        // Half of a character.
  input = ReadText(utf16, "t.csv", csv);
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->rows, (Rows{{"x", "1"}, {"y", "3"}}));
  EXPECT_THAT(input->rejected,
              ElementsAre("1 BAD_ROW t.csv:3:1: no character of UTF-16",
                          "3 BAD_ROW t.csv:5:1: no character of UTF-16"));
}

TEST(Encoding, AMarkTellsUtf16) {
  const auto input = ReadText("\xff\xfe" + Utf16("a\n1\n"));
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->rows, (Rows{{"1"}}));
}

TEST(Encoding, AnUnknownOneIsRefused) {
  pb::CsvOptions csv;
  csv.set_encoding("ebcdic");
  EXPECT_THAT(Failure(ReadText("a\n1\n", "t.csv", csv)),
              StartsWith("BAD_SPEC: source.csv.encoding: no encoding"));
}

}  // namespace
}  // namespace troupe::loader
