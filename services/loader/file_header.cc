#include "services/loader/file_header.h"

#include <deque>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/formats/csv_fields.h"
#include "services/loader/formats/encoding.h"
#include "services/loader/formats/record_scanner.h"
#include "services/loader/split_planner.h"
#include "services/loader/text_place.h"

namespace troupe::loader {
namespace {

// Enough for every mark, and for the first bytes of compressed files.
constexpr size_t kMarkBytes = 16;

constexpr size_t kLineBytes = 64 << 10;

absl::StatusOr<std::vector<std::string>> ReadNames(const Dialect& dialect,
                                                   const Record& record,
                                                   absl::string_view file) {
  if (!dialect.names.empty()) return dialect.names;
  std::deque<std::string> unescaped;
  std::vector<CsvField> fields;
  const size_t count = SplitCsvRecord(
      dialect, record, SplitPlanner::kMaxColumns, &fields, &unescaped);
  if (count > SplitPlanner::kMaxColumns)
    return TooManyColumns(file, record.line, count);
  std::vector<std::string> names;
  for (size_t i = 0; i < fields.size(); ++i)
    names.push_back(dialect.header ? std::string(fields[i].text)
                                   : absl::StrCat(i));
  if (!dialect.header) return names;
  const std::optional<RowError> bad = FindBadByte(record.text);
  if (bad.has_value())
    return BadInput(file, record.line, static_cast<int64_t>(bad->offset) + 1,
                    bad->Sentence());
  return UniqueColumnNames(std::move(names));
}

// How deep in objects and arrays the end of `line` is.
int DepthAtEnd(absl::string_view line) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted) {
      depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    }
  }
  return depth;
}

// JSON that is no JSON Lines: one array of objects, or objects over several
// lines. Every one of its lines would be a bad row, and none would say why.
absl::Status CheckJsonLines(const TextReader& reader, const Cut& cut) {
  const absl::string_view text = reader.window();
  absl::string_view first =
      absl::StripAsciiWhitespace(text.substr(cut.begin, cut.end - cut.begin));
  const absl::string_view rest =
      absl::StripLeadingAsciiWhitespace(text.substr(cut.end));
  if (absl::ConsumePrefix(&first, "[")) {
    first = absl::StripLeadingAsciiWhitespace(first);
    if (absl::StartsWith(first, "{") || (first.empty() && !rest.empty()))
      return BadInput(reader.name(), cut.first_line, 0,
                      "a JSON array; JSON Lines has one object per line, "
                      "without brackets and commas around it (`jq -c .[]` "
                      "writes that)");
    return absl::OkStatus();
  }
  const bool goes_on = absl::StartsWith(first, "{") && DepthAtEnd(first) > 0 &&
                       !rest.empty() && !absl::StartsWith(rest, "{");
  if (!goes_on) return absl::OkStatus();
  return BadInput(reader.name(), cut.first_line, 0,
                  "an object over several lines; JSON Lines has each object on "
                  "one line (`jq -c .` writes that)");
}

}  // namespace

absl::StatusOr<pb::TextEncoding> BeginText(const Dialect& dialect,
                                           TextReader* reader) {
  constexpr absl::string_view kMark("\xef\xbb\xbf", 3);
  RETURN_IF_ERROR(reader->Fill(kMarkBytes));
  if (reader->window().empty() && reader->last())
    return BadInput(reader->name(), 0, 0, "the file is empty");
  const pb::TextEncoding encoding =
      DetectEncoding(dialect.encoding, reader->window());
  reader->SetEncoding(encoding);
  RETURN_IF_ERROR(reader->Fill(kMarkBytes));
  if (reader->window().substr(0, kMark.size()) == kMark)
    reader->Discard(kMark.size());
  return encoding;
}

absl::StatusOr<bool> SkipLines(const Dialect& dialect, int64_t max_line_bytes,
                               int64_t* skipped, int64_t* line,
                               TextReader* reader) {
  size_t want = kLineBytes;
  while (*skipped < dialect.skip_rows) {
    RETURN_IF_ERROR(reader->Fill(want));
    const absl::string_view window = reader->window();
    RecordScanner scanner(dialect, window, reader->last(), *line);
    if (window.empty() && reader->last())
      return BadInput(reader->name(), *line, 0,
                      absl::StrCat("the file ends within the ",
                                   dialect.skip_rows, " lines of skip_rows"));
    if (scanner.SkipLine()) {
      ++*skipped;
      *line = scanner.line();
      reader->Discard(scanner.position());
    } else if (reader->ended()) {
      return false;
    } else if (static_cast<int64_t>(window.size()) > max_line_bytes) {
      return BadInput(
          reader->name(), *line, 0,
          absl::StrCat("the line that begins here is longer than ",
                       max_line_bytes, " bytes (--max_record_bytes)"));
    } else {
      want = 2 * window.size() + kLineBytes;
    }
  }
  return true;
}

absl::Status TooManyColumns(absl::string_view file, int64_t line,
                            size_t count) {
  return BadInput(file, line, 0,
                  absl::StrCat(count, " columns; at most ",
                               SplitPlanner::kMaxColumns, " can be read"));
}

absl::StatusOr<std::optional<FileHeader>> ReadFileHeader(
    const Dialect& dialect, const CutLimits& limits, int64_t* line,
    TextReader* reader) {
  ASSIGN_OR_RETURN(const Cut cut, CutRecords(dialect, limits, line, reader));
  if (cut.rows == 0 && reader->last())
    return BadInput(reader->name(), 0, 0,
                    "the file has only blank lines and comments");
  if (cut.rows == 0) return std::optional<FileHeader>();
  FileHeader header;
  header.line = cut.first_line;
  if (dialect.format == pb::JSONL) {
    RETURN_IF_ERROR(CheckJsonLines(*reader, cut));
    return std::make_optional(header);
  }
  const absl::string_view text =
      reader->window().substr(cut.begin, cut.end - cut.begin);
  RecordScanner scanner(dialect, text, /*last=*/true, cut.first_line);
  Record record;
  scanner.Next(&record);
  ASSIGN_OR_RETURN(header.names, ReadNames(dialect, record, reader->name()));
  if (dialect.header) {
    *line = cut.next_line;
    reader->Discard(cut.end);
  }
  return std::make_optional(std::move(header));
}

}  // namespace troupe::loader
