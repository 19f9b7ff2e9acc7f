#include "client/cli/dialect_guess.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace troupe {
namespace {

constexpr int kMaxRecords = 200;
constexpr char kNone = '\0';

// In the order in which they are tried; of equals the first counts.
constexpr char kDelimiters[] = {',', '\t', ';', '|', ':', ' '};
constexpr char kQuotes[] = {'"', kNone, '\''};

// What a text is like if read one way.
struct Reading {
  char delimiter = ',';
  char quote = kNone;
  int records = 0;
  int quoted = 0;  // Fields that are.
  int wrong = 0;   // Text behind closing quotes, and quotes never closed.
  std::map<int, int> by_fields;

  // Fields of most records.
  int Fields() const {
    const auto most = std::max_element(
        by_fields.begin(), by_fields.end(),
        [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == by_fields.end() ? 0 : most->first;
  }
  // Share of the records that are as all should be.
  double Fit() const {
    if (records == 0) return 0;
    const auto most = by_fields.find(Fields());
    return std::max(0.0, 1.0 * (most->second - wrong) / records);
  }
  bool Splits() const { return Fields() > 1; }
};

// Words are separated by spaces and colons, too: only where all lines agree.
bool IsWeak(char delimiter) { return delimiter == ' ' || delimiter == ':'; }

bool BetterThan(const Reading& a, const Reading& b) {
  const auto rank = [](const Reading& reading) {
    const bool splits =
        reading.Splits() && (!IsWeak(reading.delimiter) ||
                             (reading.Fit() == 1 && reading.records > 1));
    return std::make_tuple(splits && reading.Fit() > 0.5, reading.wrong == 0,
                           splits ? reading.Fit() : 0.0,
                           !IsWeak(reading.delimiter), reading.quoted,
                           splits ? reading.Fields() : 0);
  };
  return rank(a) > rank(b);
}

// Where the field that begins at `begin` ends.
size_t FieldEnd(absl::string_view text, size_t begin, Reading* reading) {
  size_t i = begin;
  if (reading->quote != kNone && i < text.size() && text[i] == reading->quote) {
    ++reading->quoted;
    for (++i; i < text.size(); ++i) {
      if (text[i] != reading->quote) continue;
      if (i + 1 >= text.size() || text[i + 1] != reading->quote) break;
      ++i;
    }
    if (i >= text.size()) ++reading->wrong;
    i = std::min(i + 1, text.size());
    if (i < text.size() && text[i] != reading->delimiter && text[i] != '\n' &&
        text[i] != '\r')
      ++reading->wrong;
  }
  while (i < text.size() && text[i] != reading->delimiter && text[i] != '\n' &&
         text[i] != '\r')
    ++i;
  return i;
}

Reading Read(absl::string_view text, bool whole, char delimiter, char quote) {
  Reading reading;
  reading.delimiter = delimiter;
  reading.quote = quote;
  size_t i = 0;
  while (i < text.size() && reading.records < kMaxRecords) {
    const size_t begin = i;
    const Reading before = reading;
    int fields = 1;
    for (i = FieldEnd(text, i, &reading);
         i < text.size() && text[i] == delimiter;
         i = FieldEnd(text, i + 1, &reading))
      ++fields;
    if (i == text.size() && !whole && reading.records > 0) return before;
    const bool blank =
        absl::StripAsciiWhitespace(text.substr(begin, i - begin)).empty();
    i += absl::StartsWith(text.substr(i), "\r\n") ? 2 : 1;
    if (blank) continue;
    ++reading.records;
    ++reading.by_fields[fields];
  }
  return reading;
}

bool IsJsonLines(absl::string_view text) {
  const absl::string_view line =
      absl::StripAsciiWhitespace(text.substr(0, text.find('\n')));
  return absl::StartsWith(line, "{") && absl::EndsWith(line, "}");
}

}  // namespace

std::optional<pb::Source> GuessSource(absl::string_view beginning, bool whole) {
  absl::ConsumePrefix(&beginning, "\xef\xbb\xbf");
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(beginning);
  if (text.empty()) return std::nullopt;
  pb::Source source;
  if (IsJsonLines(text)) {
    source.set_format(pb::JSONL);
    return source;
  }
  std::optional<Reading> best;
  for (const char quote : kQuotes)
    for (const char delimiter : kDelimiters) {
      Reading reading = Read(text, whole, delimiter, quote);
      if (!best.has_value() || BetterThan(reading, *best))
        best = std::move(reading);
    }
  source.set_format(pb::CSV);
  pb::CsvOptions& csv = *source.mutable_csv();
  csv.set_delimiter(std::string(1, best->Splits() ? best->delimiter : ','));
  csv.set_quote(best->quote == kNone ? "" : std::string(1, best->quote));
  return source;
}

}  // namespace troupe
