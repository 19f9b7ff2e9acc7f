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
// How long ago something was: "now", "12 s", "5 min", "3 h", "2 d".
std::string FormatAge(double seconds);
// Four significant places after the point for what lies around 1, six digits
// otherwise; "-" for NaN.
std::string FormatMetric(double value);

// `text` on one line and without control characters, so that a table's content
// cannot move the cursor; cut with "..." beyond `max_width` characters.
std::string Printable(absl::string_view text, size_t max_width = SIZE_MAX);
// The same for messages of several lines.
std::string PrintableLines(absl::string_view text);

// Columns of a terminal, not bytes: two for each wide character (CJK, emoji),
// none for one that is written onto the one before.
size_t DisplayWidth(absl::string_view text);

// `#####.....`: `share` of `width` characters, at least one for a share above
// 0.
std::string Bar(double share, int width, char rest);

// How a table is shown where it goes.
struct TableStyle {
  int width = 0;       // No line is longer; 0: as long as it needs to be.
  bool color = false;  // Headers and words of state stand out.
};

// Rows of cells, aligned in columns two blanks apart. The first row is the
// header. Columns in which each cell below the header is a number or "-" are
// aligned to the right. Lines end without blanks. Where the table is wider than
// it may be, cells are cut with "...": the longest first, words before numbers,
// the first column last.
std::string AlignedTable(const std::vector<std::vector<std::string>>& rows,
                         const TableStyle& style = {});

// `text` in the colour of a state: "failed" is red, "running" green. Other
// words stay as they are.
std::string ColoredState(const std::string& text);

}  // namespace troupe
