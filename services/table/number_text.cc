#include "services/table/number_text.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace troupe {
namespace {

// Writes `digits` (no point) with the decimal point after `point` of them, as
// repr does between 1e-4 and 1e16.
void AppendPlain(absl::string_view digits, int point, std::string* out) {
  const int count = static_cast<int>(digits.size());
  if (point <= 0) {
    out->append("0.").append(static_cast<size_t>(-point), '0');
    out->append(digits.data(), digits.size());
  } else if (point >= count) {
    out->append(digits.data(), digits.size());
    out->append(static_cast<size_t>(point - count), '0').append(".0");
  } else {
    out->append(digits.data(), static_cast<size_t>(point)).append(1, '.');
    out->append(digits.data() + point, static_cast<size_t>(count - point));
  }
}

bool TakeDigits(absl::string_view* text) {
  size_t i = 0;
  while (i < text->size() && absl::ascii_isdigit((*text)[i])) ++i;
  text->remove_prefix(i);
  return i > 0;
}

bool TakeOne(absl::string_view* text, absl::string_view characters) {
  if (text->empty() ||
      characters.find(text->front()) == absl::string_view::npos)
    return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

void AppendDouble(double value, std::string* out) {
  if (std::isnan(value)) {
    out->append("nan");
    return;
  }
  if (std::signbit(value)) out->push_back('-');
  if (std::isinf(value)) {
    out->append("inf");
    return;
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), std::fabs(value),
                                 std::chars_format::scientific)
                       .ptr;
  // d[.ddd]e+XX: gather the digits, and read the exponent.
  char* const mark = static_cast<char*>(
      std::memchr(text, 'e', static_cast<size_t>(end - text)));
  int exponent = 0;
  std::from_chars(mark + (mark[1] == '+' ? 2 : 1), end, exponent);
  if (exponent < -4 || exponent >= 16) {
    out->append(text, end);  // to_chars writes two exponent digits, as repr.
    return;
  }
  char digits[32];
  size_t count = 1;
  digits[0] = text[0];
  if (mark > text + 1) {
    count += static_cast<size_t>(mark - text - 2);
    std::memcpy(digits + 1, text + 2, count - 1);
  }
  AppendPlain(absl::string_view(digits, count), exponent + 1, out);
}

void AppendInt(int64_t value, std::string* out) {
  char text[24];
  out->append(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

bool IsJsonNumber(absl::string_view text) {
  TakeOne(&text, "-");
  if (!TakeOne(&text, "0") && !TakeDigits(&text)) return false;
  if (TakeOne(&text, ".") && !TakeDigits(&text)) return false;
  if (TakeOne(&text, "eE")) {
    TakeOne(&text, "+-");
    if (!TakeDigits(&text)) return false;
  }
  return text.empty();
}

}  // namespace troupe
