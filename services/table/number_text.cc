#include "services/table/number_text.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "absl/strings/ascii.h"
#include "dragonbox/dragonbox.h"

namespace troupe {
namespace {

constexpr uint64_t kEightZeros = 0x3030303030303030;  // As text.
constexpr uint32_t kHundredMillion = 100'000'000;

// The digits of a value below 10^8, leading zeros included: one a byte, the
// first in the lowest. All at once, by multiplying with reciprocals.
uint64_t EightDigits(uint32_t value) {
  const uint64_t fours = uint64_t{value / 10000} | uint64_t{value % 10000}
                                                       << 32;
  const uint64_t hundreds = (fours * 10486 >> 20) & 0x0000007f0000007f;
  const uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
  const uint64_t tens = (twos * 103 >> 10) & 0x000f000f000f000f;
  return tens | (twos - 10 * tens) << 8;
}

// Zero digits in front and behind; 8 where all are zero.
int LeadingZeros(uint64_t digits) { return std::countr_zero(digits) / 8; }
int TrailingZeros(uint64_t digits) { return std::countl_zero(digits) / 8; }

void WriteEight(uint64_t digits, char* out) {
  digits |= kEightZeros;
  std::memcpy(out, &digits, sizeof(digits));
}

char* WriteWhole(uint64_t value, char* out) {
  if (value >= kHundredMillion) {
    out = WriteWhole(value / kHundredMillion, out);
    WriteEight(EightDigits(static_cast<uint32_t>(value % kHundredMillion)),
               out);
    return out + 8;
  }
  const uint64_t digits = EightDigits(static_cast<uint32_t>(value));
  const int zeros = std::min(LeadingZeros(digits), 7);
  const uint64_t text = (digits | kEightZeros) >> 8 * zeros;
  std::memcpy(out, &text, sizeof(text));
  return out + 8 - zeros;
}

char* WriteSpecial(uint64_t bits, char* out) {
  const bool is_nan = bits << 12 != 0;
  if (!is_nan && bits >> 63 != 0) *out++ = '-';
  std::memcpy(out, is_nan ? "nan" : "inf", 3);
  return out + 3;
}

// d.ddde+XX, as repr does below 1e-4 and from 1e16 on.
char* WriteScientific(const char* digits, int count, int exponent, char* out) {
  *out++ = digits[0];
  if (count > 1) {
    *out++ = '.';
    std::memcpy(out, digits + 1, 16);
    out += count - 1;
  }
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  exponent = std::abs(exponent);
  if (exponent >= 100) *out++ = static_cast<char>('0' + exponent / 100);
  *out++ = static_cast<char>('0' + exponent / 10 % 10);
  *out++ = static_cast<char>('0' + exponent % 10);
  return out;
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

char* WriteDouble(double value, char* out) {
  const auto bits = std::bit_cast<uint64_t>(value);
  if ((bits >> 52 & 0x7ff) == 0x7ff) return WriteSpecial(bits, out);
  *out = '-';  // To be overwritten, unless it is one.
  out += bits >> 63;
  const double size = std::fabs(value);
  if (size < 0x1p53) {
    const auto whole = static_cast<uint64_t>(size);
    if (static_cast<double>(whole) == size) {
      out = WriteWhole(whole, out);
      std::memcpy(out, ".0", 2);
      return out + 2;
    }
  }
  namespace policy = jkj::dragonbox::policy;
  // Zeros behind are found below, with less work.
  const auto decimal = jkj::dragonbox::to_decimal(
      size, policy::sign::ignore, policy::trailing_zero::ignore);
  // As 17 digits, behind four zeros that may follow the point.
  const uint64_t high = decimal.significand / kHundredMillion;
  const uint64_t top = high / kHundredMillion;
  const uint64_t middle =
      EightDigits(static_cast<uint32_t>(high % kHundredMillion));
  const uint64_t last =
      EightDigits(static_cast<uint32_t>(decimal.significand % kHundredMillion));
  char text[64];
  char* const digits = text + 8;
  WriteEight(0, text);
  digits[0] = static_cast<char>('0' + top);
  WriteEight(middle, digits + 1);
  WriteEight(last, digits + 9);
  int leading = top == 0 ? 1 : 0;
  if (high < kHundredMillion / 10)  // Rare: otherwise there are 16 or 17.
    leading = middle != 0 ? 1 + LeadingZeros(middle) : 9 + LeadingZeros(last);
  const int trailing = last != 0     ? TrailingZeros(last)
                       : middle != 0 ? 8 + TrailingZeros(middle)
                                     : 16;
  const int count = 17 - leading - trailing;
  const char* first = digits + leading;
  const int point = decimal.exponent + 17 - leading;  // Digits before it.
  if (point < -3 || point > 16)
    return WriteScientific(first, count, point - 1, out);
  if (point >= count) {  // Whole, and too large to be known as such above.
    std::memcpy(out, first, 17);
    std::memset(out + count, '0', 16);
    std::memcpy(out + point, ".0", 2);
    return out + point + 2;
  }
  // Copies of fixed sizes: longer than needed, but without a branch.
  const int zeros = std::max(0, 1 - point);
  const int before = std::max(1, point);
  first -= zeros;
  std::memcpy(out, first, 16);
  out[before] = '.';
  std::memcpy(out + before + 1, first + before, 24);
  return out + zeros + count + 1;
}

char* WriteInt(int64_t value, char* out) {
  *out = '-';
  out += value < 0 ? 1 : 0;
  const auto bits = static_cast<uint64_t>(value);
  return WriteWhole(value < 0 ? 0 - bits : bits, out);
}

void AppendDouble(double value, std::string* out) {
  char text[kNumberRoom];
  out->append(text, WriteDouble(value, text));
}

void AppendInt(int64_t value, std::string* out) {
  char text[kNumberRoom];
  out->append(text, WriteInt(value, text));
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
