#include "services/loader/file_header.h"

#include <deque>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/formats/csv_fields.h"
#include "services/loader/formats/record_scanner.h"
#include "services/loader/split_planner.h"
#include "services/loader/text_place.h"

namespace troupe::loader {
namespace {

// Enough for every mark, and for the first bytes of compressed files.
constexpr size_t kMarkBytes = 16;

absl::Status SkipByteOrderMark(TextReader* reader) {
  constexpr absl::string_view kUtf8("\xef\xbb\xbf", 3);
  constexpr absl::string_view kUtf16Little("\xff\xfe", 2);
  constexpr absl::string_view kUtf16Big("\xfe\xff", 2);
  if (reader->position() > 0) return absl::OkStatus();
  RETURN_IF_ERROR(reader->Fill(kMarkBytes));
  const absl::string_view window = reader->window();
  if (window.empty() && reader->last())
    return BadInput(reader->name(), 0, 0, "the file is empty");
  if (window.substr(0, 2) == kUtf16Little || window.substr(0, 2) == kUtf16Big)
    return BadInput(reader->name(), 1, 0,
                    "the file is UTF-16 text; only UTF-8 can be read");
  if (window.substr(0, 3) == kUtf8) reader->Discard(kUtf8.size());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ReadNames(const Dialect& dialect,
                                                   const Record& record,
                                                   absl::string_view file) {
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
                    bad->message);
  return UniqueColumnNames(std::move(names));
}

}  // namespace

absl::Status TooManyColumns(absl::string_view file, int64_t line,
                            size_t count) {
  return BadInput(file, line, 0,
                  absl::StrCat(count, " columns; at most ",
                               SplitPlanner::kMaxColumns, " can be read"));
}

absl::StatusOr<std::optional<FileHeader>> ReadFileHeader(
    const Dialect& dialect, const CutLimits& limits, int64_t* line,
    TextReader* reader) {
  RETURN_IF_ERROR(SkipByteOrderMark(reader));
  ASSIGN_OR_RETURN(const Cut cut, CutRecords(dialect, limits, line, reader));
  if (cut.rows == 0 && reader->last())
    return BadInput(reader->name(), 0, 0,
                    "the file has only blank lines and comments");
  if (cut.rows == 0) return std::optional<FileHeader>();
  FileHeader header;
  header.line = cut.first_line;
  if (dialect.format == pb::JSONL) return std::make_optional(header);
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
