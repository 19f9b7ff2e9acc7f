#include "client/cli/text_format.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace troupe {
namespace {

using Rows = std::vector<std::vector<std::string>>;

bool StartsCharacter(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

// Characters, not bytes. Wide ones count as one: what they do differs between
// terminals.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), StartsCharacter));
}

bool LooksNumeric(absl::string_view cell) {
  if (cell.empty() || cell == "-") return true;
  return cell.find_first_not_of("+-0123456789.,eE%/ ") ==
             absl::string_view::npos &&
         std::any_of(cell.begin(), cell.end(), absl::ascii_isdigit);
}

bool RightAligned(const Rows& rows, size_t column) {
  if (rows.size() < 2) return false;
  return std::all_of(rows.begin() + 1, rows.end(), [column](const auto& row) {
    return column >= row.size() || LooksNumeric(row[column]);
  });
}

}  // namespace

std::string FormatCount(int64_t count) {
  std::string text = absl::StrCat(count);
  const size_t first = count < 0 ? 1 : 0;
  for (size_t end = text.size(); end > first + 3; end -= 3)
    text.insert(end - 3, 1, ',');
  return text;
}

std::string FormatBytes(int64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double size = static_cast<double>(bytes);
  absl::string_view unit;
  for (const absl::string_view next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (size < 1024) break;
    size /= 1024;
    unit = next;
  }
  return absl::StrFormat("%.1f %s", size, unit);
}

std::string FormatSeconds(double seconds) {
  constexpr double kLongest = 1e9;
  if (!(seconds >= 0) || seconds > kLongest) return "?";
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
  return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60,
                         whole % 60);
}

std::string FormatMetric(double value) {
  if (std::isnan(value)) return "-";
  const double size = std::abs(value);
  if (size == 0 || (size >= 0.001 && size < 1000))
    return absl::StrFormat("%.4f", value);
  return absl::StrFormat("%.6g", value);
}

std::string Printable(absl::string_view text, size_t max_width) {
  std::string line;
  size_t width = 0;
  const bool cut = Width(text) > max_width;
  const size_t room = cut && max_width > 3 ? max_width - 3 : max_width;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (StartsCharacter(text[i]) && ++width > room) break;
    // The second half of C1 control characters (U+0080 to U+009F) is < 0xA0.
    const bool c1 = byte == 0xC2 && i + 1 < text.size() &&
                    static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    line += byte < 0x20 || byte == 0x7F || c1 ? ' ' : text[i];
  }
  return cut ? absl::StrCat(line, "...") : line;
}

std::string PrintableLines(absl::string_view text) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n'))
    lines.push_back(Printable(line));
  return absl::StrJoin(lines, "\n");
}

std::string Bar(double share, int width, char rest) {
  if (!(share > 0)) share = 0;  // NaN, too.
  const int full =
      std::clamp(static_cast<int>(std::lround(std::min(share, 1.0) * width)),
                 share > 0 ? 1 : 0, width);
  std::string bar(static_cast<size_t>(full), '#');
  bar.append(static_cast<size_t>(width - full), rest);
  return bar;
}

std::string AlignedTable(const Rows& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::vector<bool> right;
  for (size_t i = 0; i < widths.size(); ++i)
    right.push_back(RightAligned(rows, i));
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string fill(widths[i] - Width(row[i]), ' ');
      absl::StrAppend(&line, i == 0 ? "" : "  ", right[i] ? fill : "", row[i],
                      right[i] ? "" : fill);
    }
    absl::StrAppend(&text, absl::StripTrailingAsciiWhitespace(line), "\n");
  }
  return text;
}

}  // namespace troupe
