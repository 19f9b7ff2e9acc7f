// The block scanner against the scalar machine: the same records at the same
// places, and the same fields, whatever the text.
#include "services/loader/formats/block_scanner.h"

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/loader/formats/csv_fields.h"

namespace troupe::loader {
namespace {

using Outcome = RecordScanner::Outcome;
using Fields = BlockScanner::Fields;

std::string FieldsByScalar(const Dialect& dialect, const Record& record) {
  std::vector<CsvField> fields;
  std::deque<std::string> unescaped;
  SplitCsvRecord(dialect, record, 1000, &fields, &unescaped);
  std::string shown;
  for (const CsvField& field : fields)
    absl::StrAppend(&shown, "[", field.offset, field.quoted ? "q:" : ":",
                    field.text, "]");
  return shown;
}

std::string FieldsByEnds(const Dialect& dialect, const Record& record,
                         absl::Span<const uint32_t> ends,
                         absl::string_view text) {
  std::string shown;
  std::string scratch;
  size_t begin = record.begin;
  for (const uint32_t end : ends) {
    const CsvField field =
        FieldOf(dialect, text.substr(begin, end - begin), &scratch);
    absl::StrAppend(&shown, "[", begin - record.begin + field.offset,
                    field.quoted ? "q:" : ":", field.text, "]");
    begin = end + 1;
  }
  return shown;
}

// All that a scanner says of a text.
std::string Scanned(const Dialect& dialect, absl::string_view text, bool last) {
  RecordScanner scanner(dialect, text, last, 7);
  std::string shown;
  Record record;
  Outcome outcome;
  while ((outcome = scanner.Next(&record)) == Outcome::kRecord)
    absl::StrAppend(&shown, record.begin, "+", record.text.size(), ">",
                    record.next, "@", record.line,
                    FieldsByScalar(dialect, record), "\n");
  return absl::StrCat(shown, outcome, " ", scanner.position(), " ",
                      scanner.line(), " ", scanner.open_quote_line());
}

std::string ScannedInBlocks(SimdLevel level, Fields fields,
                            const Dialect& dialect, absl::string_view text,
                            bool last) {
  BlockScanner scanner(level, fields, dialect, text, last, 7);
  std::string shown;
  Record record;
  Outcome outcome;
  while ((outcome = scanner.Next(&record)) == Outcome::kRecord)
    absl::StrAppend(
        &shown, record.begin, "+", record.text.size(), ">", record.next, "@",
        record.line,
        scanner.field_ends().empty()
            ? FieldsByScalar(dialect, record)
            : FieldsByEnds(dialect, record, scanner.field_ends(), text),
        "\n");
  return absl::StrCat(shown, outcome, " ", scanner.position(), " ",
                      scanner.line(), " ", scanner.open_quote_line());
}

void ExpectSame(const Dialect& dialect, const std::string& text) {
  for (const bool last : {true, false}) {
    const std::string expected = Scanned(dialect, text, last);
    for (const SimdLevel level :
         {SimdLevel::kNone, SimdLevel::kSse2, BestSimdLevel()})
      for (const Fields fields : {Fields::kPassOver, Fields::kFind})
        ASSERT_EQ(ScannedInBlocks(level, fields, dialect, text, last), expected)
            << "level " << static_cast<int>(level) << ", last " << last
            << ", text:\n"
            << text;
  }
}

std::string RandomText(std::mt19937& random, absl::string_view alphabet,
                       size_t longest) {
  std::string text(random() % (longest + 1), '\0');
  for (char& c : text) c = alphabet[random() % alphabet.size()];
  return text;
}

// A text that is regular nearly everywhere, so that parity goes on for long.
std::string NearlyRegularText(std::mt19937& random, int one_wrong_in) {
  static const std::vector<std::string> kFields = {
      "",         "1.5",           "-2",
      "\"\"",     "\"a,b\"",       "\"\"\"\"",
      "\"x\ny\"", "\"\"\"q\"\"\"", "\"\r\n,\"\"\"",
      "word",     "\"\r\""};
  static const std::vector<std::string> kWrong = {
      "a\"b", "\"a\"b", " \"a\"", "\"a\" ", "a\"\"", "\"a\"\"b\"c\"", "\""};
  static const std::vector<std::string> kEnds = {"\n", "\r\n", "\r", "\n\n",
                                                 "\r\n \t\r\n"};
  const auto one_of = [&](const std::vector<std::string>& choices) {
    return choices[random() % choices.size()];
  };
  std::string text(random() % 70, 'p');
  const std::string end = one_of(kEnds);
  const auto wrong = static_cast<unsigned>(one_wrong_in);
  for (int i = 0; i < 60; ++i)
    absl::StrAppend(&text,
                    random() % wrong == 0 ? one_of(kWrong) : one_of(kFields),
                    random() % 4 == 0 ? end : ",");
  return text;
}

Dialect DialectOf(char delimiter, char quote, char comment,
                  char escape = Dialect::kNoCharacter,
                  bool skip_initial_space = false) {
  Dialect dialect;
  dialect.escape = escape;
  dialect.skip_initial_space = skip_initial_space;
  dialect.delimiter = delimiter;
  dialect.quote = quote;
  dialect.comment = comment;
  return dialect;
}

TEST(BlockScanner, EqualsScalarOnRandomText) {
  std::mt19937 random(1);
  const std::string alphabet("\",\n\r a\"#\t;\0\xff\"'", 14);
  for (int i = 0; i < 6000; ++i)
    ExpectSame(Dialect(), RandomText(random, alphabet, 300));
}

TEST(BlockScanner, EqualsScalarOnOtherDialects) {
  std::mt19937 random(2);
  const std::string alphabet = "\"';,\t\n\r a#x ";
  const Dialect dialects[] = {DialectOf(';', '\'', '#'),
                              DialectOf('\t', '"', '\0'),
                              DialectOf(' ', '"', '\0'),
                              DialectOf(',', '\0', '\0'),
                              DialectOf(',', '"', '\0', ';'),
                              DialectOf(';', '\'', '#', '"'),
                              DialectOf(',', '"', '\0', '\0', true),
                              DialectOf(';', '"', '\0', '\'', true),
                              DialectOf('\t', '"', '#', '\0', true),
                              DialectOf('\0', '\0', '\0')};
  for (int i = 0; i < 6000; ++i)
    ExpectSame(dialects[static_cast<size_t>(i) % std::size(dialects)],
               RandomText(random, alphabet, 300));
}

TEST(BlockScanner, EqualsScalarOnNearlyRegularText) {
  std::mt19937 random(3);
  for (int i = 0; i < 6000; ++i)
    ExpectSame(Dialect(), NearlyRegularText(random, i % 2 == 0 ? 40 : 5000));
}

// Each of the pieces at each place around the ends of blocks.
TEST(BlockScanner, EqualsScalarWhereBlocksMeet) {
  const std::string pieces[] = {"\"\"",
                                ",\"\",",
                                ",\"a\"\"b\",",
                                "\r\n",
                                "\n\r\n",
                                ",\"\r\n\",",
                                "\r",
                                ",\"x\"y,",
                                "\"\"\"",
                                ",\"",
                                "\",",
                                "\n\"q\"\n",
                                "\n\"\"\"\"\n",
                                "\n \n",
                                std::string("\0", 1),
                                "\xff",
                                ",\"a\"\r\n\"b\""};
  for (const std::string& piece : pieces)
    for (size_t before = 0; before < 140; ++before)
      for (const absl::string_view after :
           {"", "\n", "z\n", "\"\n", ",1\r\n2,3\r\n"})
        ExpectSame(Dialect(),
                   absl::StrCat(std::string(before, 'x'), piece, after));
}

TEST(BlockScanner, EqualsScalarOverManyBlocks) {
  std::mt19937 random(4);
  for (int i = 0; i < 40; ++i) {
    std::string text;
    while (text.size() < 40'000)
      absl::StrAppend(&text,
                      NearlyRegularText(random, i % 2 == 0 ? 400 : 9000));
    ExpectSame(Dialect(), text);
  }
}

// The records are found by blocks, not handed on: regular text has fields.
TEST(BlockScanner, FindsTheFieldsOfRegularRecords) {
  const Dialect dialect;
  const absl::string_view text = "a,\"b\n,\",\r\n\n1,2\n3,4\"5\n6,7\n";
  BlockScanner scanner(BestSimdLevel(), Fields::kFind, dialect, text, true, 1);
  std::vector<size_t> counts;
  for (Record record; scanner.Next(&record) == Outcome::kRecord;)
    counts.push_back(scanner.field_ends().size());
  EXPECT_EQ(counts, (std::vector<size_t>{3, 2, 0, 2}));
}

}  // namespace
}  // namespace troupe::loader
