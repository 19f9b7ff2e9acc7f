// What comes before the first row of a file: a byte order mark, lines to pass
// over, blank lines, the names of the columns.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/loader/formats/dialect.h"
#include "services/loader/record_cutter.h"
#include "services/loader/sources/text_reader.h"

namespace troupe::loader {

// Lets the reader decode, which stands at the beginning of a file, and passes
// over a byte order mark. Returns how the file is written. BAD_INPUT when it is
// empty.
absl::StatusOr<pb::TextEncoding> BeginText(const Dialect& dialect,
                                           TextReader* reader);

// Passes over the lines that the dialect skips, of which `skipped` are behind
// the reader. False when its text, which is not all, ends before that.
// BAD_INPUT when the file ends, or a line is too long. `line` follows.
absl::StatusOr<bool> SkipLines(const Dialect& dialect, int64_t max_line_bytes,
                               int64_t* skipped, int64_t* line,
                               TextReader* reader);

struct FileHeader {
  // Unique. The dialect's own; by number where it has none and the file has no
  // header; none for JSON Lines.
  std::vector<std::string> names;
  int64_t line = 0;  // Where they stand.
};

// BAD_INPUT: a file of more columns than can be read.
absl::Status TooManyColumns(absl::string_view file, int64_t line, size_t count);

// Moves the reader, which stands before any row of its text, to the first
// record after the header. Returns nothing when the reader's text, which is not
// all, ends before that. BAD_INPUT when there are no records, or when the
// header cannot be read. `line` is the line at the reader's position, and
// follows it.
absl::StatusOr<std::optional<FileHeader>> ReadFileHeader(
    const Dialect& dialect, const CutLimits& limits, int64_t* line,
    TextReader* reader);

}  // namespace troupe::loader
