#include "client/spec/source_line.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace troupe {
namespace {

constexpr size_t kWidth = 72;   // Of a line that is too long to be shown whole.
constexpr size_t kBefore = 40;  // So much of it before the place.

bool StartsLetter(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

size_t Letters(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), StartsLetter));
}

}  // namespace

std::string SourceLine(absl::string_view text, Position position) {
  for (int line = 1; line < position.line; ++line) {
    const size_t end = text.find('\n');
    if (end == absl::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, std::min(text.find('\n'), text.size()));
  const size_t place = std::min(
      static_cast<size_t>(std::max(position.column, 1) - 1), text.size());
  size_t begin = 0;
  if (text.size() > kWidth && place > kBefore) begin = place - kBefore;
  while (begin > 0 && begin < text.size() && !StartsLetter(text[begin]))
    ++begin;
  size_t end = std::min(text.size(), begin + kWidth);
  while (end < text.size() && !StartsLetter(text[end])) ++end;
  std::string shown;
  for (const char c : text.substr(begin, end - begin))
    shown += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  const std::string margin = absl::StrFormat("%5d | ", position.line);
  return absl::StrCat(
      "\n", margin, begin > 0 ? "..." : "", shown,
      end < text.size() ? "..." : "", "\n", std::string(margin.size() - 2, ' '),
      "| ",
      std::string(
          (begin > 0 ? 3 : 0) + Letters(text.substr(begin, place - begin)),
          ' '),
      "^");
}

}  // namespace troupe
