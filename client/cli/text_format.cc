#include "client/cli/text_format.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "absl/algorithm/container.h"
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

struct CodeRange {
  char32_t first;
  char32_t last;
};

constexpr CodeRange kWide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
constexpr CodeRange kWidthless[] = {
    {0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};

// The columns of the character that starts at `i`; 0 within one.
size_t WidthAt(absl::string_view text, size_t i) {
  const auto lead = static_cast<unsigned char>(text[i]);
  if (lead < 0x80) return 1;
  if (!StartsCharacter(text[i])) return 0;
  char32_t code = lead >= 0xF0   ? lead & 0x07
                  : lead >= 0xE0 ? lead & 0x0F
                                 : lead & 0x1F;
  for (size_t k = i + 1; k < text.size() && !StartsCharacter(text[k]); ++k)
    code = code << 6 | (static_cast<unsigned char>(text[k]) & 0x3F);
  const auto within = [code](const CodeRange& range) {
    return code >= range.first && code <= range.last;
  };
  if (absl::c_any_of(kWidthless, within)) return 0;
  return absl::c_any_of(kWide, within) ? 2 : 1;
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

std::vector<size_t> WidthsOf(const Rows& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  return widths;
}

// A cell of at most `width` characters.
std::string Cut(const std::string& cell, size_t width) {
  return DisplayWidth(cell) <= width ? cell : Printable(cell, width);
}

// Narrows the widest columns until a line has `room`.
void FitWidths(size_t room, const std::vector<bool>& right,
               std::vector<size_t>& widths) {
  size_t line = 2 * (widths.size() - 1);
  for (const size_t width : widths) line += width;
  // First what can be narrow is made so, then what should not, then all.
  struct Round {
    bool numbers;
    bool first;
    size_t least;
  };
  for (const Round round : {Round{false, false, 12}, Round{false, false, 6},
                            Round{false, true, 6}, Round{true, true, 1}}) {
    while (line > room) {
      size_t widest = widths.size();
      for (size_t i = 0; i < widths.size(); ++i) {
        if (widths[i] <= round.least || (right[i] && !round.numbers) ||
            (i == 0 && !round.first))
          continue;
        if (widest == widths.size() || widths[i] > widths[widest]) widest = i;
      }
      if (widest == widths.size()) break;
      --widths[widest];
      --line;
    }
  }
}

}  // namespace

size_t DisplayWidth(absl::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) width += WidthAt(text, i);
  return width;
}

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

std::string FormatAge(double seconds) {
  constexpr double kMinute = 60;
  constexpr double kHour = 60 * kMinute;
  constexpr double kDay = 24 * kHour;
  if (!(seconds >= 1)) return "now";
  const auto whole = [seconds](double unit) {
    return static_cast<int64_t>(std::min(seconds / unit, 1e15));
  };
  if (seconds < kMinute) return absl::StrCat(whole(1), " s");
  if (seconds < kHour) return absl::StrCat(whole(kMinute), " min");
  if (seconds < 2 * kDay) return absl::StrCat(whole(kHour), " h");
  return absl::StrCat(whole(kDay), " d");
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
  const bool cut = DisplayWidth(text) > max_width;
  const size_t room = cut && max_width > 3 ? max_width - 3 : max_width;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    width += WidthAt(text, i);
    if (width > room) break;
    // The second half of C1 control characters (U+0080 to U+009F) is < 0xA0.
    const bool c1 = byte == 0xC2 && i + 1 < text.size() &&
                    static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    line += byte < 0x20 || byte == 0x7F || c1 ? ' ' : text[i];
  }
  return cut && max_width > 3 ? absl::StrCat(line, "...") : line;
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

std::string ColoredState(const std::string& text) {
  const absl::string_view word = absl::StripAsciiWhitespace(text);
  const auto among = [word](std::initializer_list<absl::string_view> words) {
    return absl::c_linear_search(words, word);
  };
  const char* color = nullptr;
  if (among({"failed", "missing", "silent"})) color = "\x1b[31m";
  if (among({"stalled", "cancelled", "cancelling", "partially_succeeded",
             "disk_full", "draining", "starting"}))
    color = "\x1b[33m";
  if (among({"succeeded", "running", "ready", "serving"})) color = "\x1b[32m";
  return color == nullptr ? text : absl::StrCat(color, text, "\x1b[0m");
}

std::string AlignedTable(const Rows& rows, const TableStyle& style) {
  std::vector<bool> right;
  std::vector<size_t> widths = WidthsOf(rows);
  for (size_t i = 0; i < widths.size(); ++i)
    right.push_back(RightAligned(rows, i));
  if (style.width > 0)
    FitWidths(static_cast<size_t>(style.width), right, widths);
  std::string text;
  for (size_t row = 0; row < rows.size(); ++row) {
    std::string line;
    for (size_t i = 0; i < rows[row].size(); ++i) {
      const std::string cell = Cut(rows[row][i], widths[i]);
      const std::string fill(widths[i] - DisplayWidth(cell), ' ');
      const bool last = i + 1 == rows[row].size();
      absl::StrAppend(&line, i == 0 ? "" : "  ", right[i] ? fill : "",
                      style.color && row > 0 ? ColoredState(cell) : cell,
                      right[i] || last ? "" : fill);
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&text, style.color && row == 0 ? "\x1b[1m" : "", line,
                    style.color && row == 0 ? "\x1b[0m" : "", "\n");
  }
  return text;
}

}  // namespace troupe
