// Numbers, times and tables as text for people.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace troupe {

// 1234567 -> "1,234,567".
std::string FormatCount(int64_t count);
// 1536 -> "1.5 KiB".
std::string FormatBytes(int64_t bytes);
// 75.2 -> "1:15", 3675 -> "1:01:15"; "?" for a negative number.
std::string FormatSeconds(double seconds);
// Four significant places after the point for what lies around 1, six digits
// otherwise; "-" for NaN.
std::string FormatMetric(double value);

// `text` on one line and without control characters, so that a table's content
// cannot move the cursor; cut with "..." beyond `max_width` characters.
std::string Printable(absl::string_view text, size_t max_width = SIZE_MAX);
// The same for messages of several lines.
std::string PrintableLines(absl::string_view text);

// `#####.....`: `share` of `width` characters, at least one for a share above
// 0.
std::string Bar(double share, int width, char rest);

// Rows of cells, aligned in columns two blanks apart. The first row is the
// header. Columns in which each cell below the header is a number or "-" are
// aligned to the right. Lines end without blanks.
std::string AlignedTable(const std::vector<std::vector<std::string>>& rows);

}  // namespace troupe
