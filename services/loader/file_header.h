// What comes before the first row of a file: a byte order mark, blank lines,
// the names of the columns.
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

struct FileHeader {
  // Unique. By number where the dialect has no header; none for JSON Lines.
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
