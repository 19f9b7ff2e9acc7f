// Random text, read by the loader and by a plain reader that goes character by
// character; and random bytes, which must never do harm.
#include <random>

#include "gtest/gtest.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using Records = std::vector<std::vector<std::string>>;

// The grammar, as slowly as possible. Returns nothing for an unclosed quote.
std::optional<Records> ReadSlowly(const std::string& text) {
  Records records;
  std::vector<std::string> fields;
  std::string field;
  enum { kStart, kPlain, kQuoted, kQuoteInQuoted } state = kStart;
  bool any = false;        // Anything in this record yet.
  bool only_blank = true;  // Only spaces and tabs in it.
  const auto end_record = [&] {
    if (any && !only_blank) {
      fields.push_back(field);
      records.push_back(fields);
    }
    fields.clear();
    field.clear();
    state = kStart;
    any = false;
    only_blank = true;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (state == kQuoted) {
      if (c == '"') {
        state = kQuoteInQuoted;
      } else {
        field += c;
      }
      continue;
    }
    if (state == kQuoteInQuoted && c == '"') {
      field += c;
      state = kQuoted;
      continue;
    }
    if (c == '\n' || c == '\r') {
      if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      end_record();
      continue;
    }
    any = true;
    if (c != ' ' && c != '\t') only_blank = false;
    if (c == ',') {
      fields.push_back(field);
      field.clear();
      state = kStart;
    } else if (c == '"' && state == kStart) {
      state = kQuoted;
    } else {
      field += c;
      state = kPlain;
    }
  }
  if (state == kQuoted) return std::nullopt;
  end_record();
  return records;
}

pb::Source TextSource(const std::string& path) {
  pb::Source source = SourceAt(path);
  source.mutable_csv()->set_keep_default_na(false);
  for (const char* name : {"a", "b", "c"})
    (*source.mutable_types())[name] = pb::STRING;
  return source;
}

std::string SomeText(std::mt19937& random, const std::string& alphabet,
                     size_t longest) {
  std::string text;
  for (auto n = random() % longest; n > 0; --n)
    text += alphabet[random() % alphabet.size()];
  return text;
}

// The rows that a table of three columns should have.
Records RowsOf(const Records& records) {
  Records rows;
  for (std::vector<std::string> record : records) {
    if (record.size() > 3) continue;
    record.resize(3, "<missing>");
    rows.push_back(record);
  }
  return rows;
}

TEST(ReadingFuzz, AgreesWithTheSlowReaderInSplitsOfEverySize) {
  LoaderBelowFolder setup;
  std::mt19937 random(2);
  int compared = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string body = SomeText(random, "xy,,\"\"\n\n\r \t", 40);
    const pb::Source source =
        TextSource(setup.folder.Write("t.csv", "a,b,c\n" + body));
    const absl::StatusOr<WholeInput> read =
        ReadAll(*setup.loader, source, 1 + random() % 20);
    const std::optional<Records> expected = ReadSlowly(body);
    ASSERT_EQ(read.ok(), expected.has_value()) << body << Failure(read);
    if (!read.ok()) continue;
    ++compared;
    ASSERT_EQ(read->rows, RowsOf(*expected)) << body;
    ASSERT_EQ(read->planned_rows, static_cast<int64_t>(expected->size()));
    ASSERT_EQ(read->rows.size() + read->rejected.size(), expected->size());
  }
  EXPECT_GT(compared, 1000);
}

TEST(ReadingFuzz, RandomBytesGiveRowsRejectsOrAnError) {
  LoaderBelowFolder setup;
  std::mt19937 random(9);
  const std::string bytes("\0\xff\xc3\xa9{}[]:\"\\,\n\r1.e-tnu\"\"", 23);
  for (int i = 0; i < 3000; ++i) {
    const char* name = i % 2 == 0 ? "t.csv" : "t.jsonl";
    setup.folder.Write(name, "{\"a\":1}\n" + SomeText(random, bytes, 60));
    const absl::StatusOr<WholeInput> read =
        ReadAll(*setup.loader, SourceAt(name), 1 + random() % 30);
    if (!read.ok()) {
      ASSERT_NE(ReasonOf(read.status()), "") << read.status();
      continue;
    }
    ASSERT_EQ(static_cast<int64_t>(read->rows.size() + read->rejected.size()),
              read->planned_rows);
  }
}

}  // namespace
}  // namespace troupe::loader
