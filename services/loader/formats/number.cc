#include "services/loader/formats/number.h"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <system_error>

#include "absl/strings/match.h"

namespace troupe::loader {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// C's isspace in the "C" locale, which is what pandas skips.
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

absl::string_view Trim(absl::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

size_t CountDigits(absl::string_view text, size_t begin) {
  size_t i = begin;
  while (i < text.size() && IsDigit(text[i])) ++i;
  return i - begin;
}

bool IsInfinity(absl::string_view unsigned_text) {
  return absl::EqualsIgnoreCase(unsigned_text, "inf") ||
         absl::EqualsIgnoreCase(unsigned_text, "infinity");
}

// Whether the digits, a decimal point somewhere among them, and an exponent are
// all that `unsigned_text` holds.
bool IsDecimal(absl::string_view unsigned_text, char decimal) {
  size_t i = CountDigits(unsigned_text, 0);
  size_t digits = i;
  if (i < unsigned_text.size() && unsigned_text[i] == decimal) {
    const size_t fraction = CountDigits(unsigned_text, ++i);
    digits += fraction;
    i += fraction;
  }
  if (digits == 0) return false;
  if (i == unsigned_text.size()) return true;
  if (unsigned_text[i] != 'e' && unsigned_text[i] != 'E') return false;
  ++i;
  if (i < unsigned_text.size() &&
      (unsigned_text[i] == '+' || unsigned_text[i] == '-'))
    ++i;
  const size_t exponent = CountDigits(unsigned_text, i);
  return exponent > 0 && i + exponent == unsigned_text.size();
}

// Removes one sign; `negative` says which.
absl::string_view TakeSign(absl::string_view text, bool* negative) {
  *negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+'))
    text.remove_prefix(1);
  return text;
}

uint32_t WordOf(const char* text) {
  uint32_t word = 0;
  std::memcpy(&word, text, sizeof(word));
  return word;
}

// Four letters; what is no letter does not become one.
uint32_t LowerCaseWord(const char* text) { return WordOf(text) | 0x20202020; }

// The value of a run of digits; false when it does not fit.
bool AccumulateDigits(absl::string_view digits, bool negative, int64_t* value) {
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  const uint64_t limit = negative ? kMax + 1 : kMax;
  uint64_t sum = 0;
  for (const char c : digits) {
    const auto digit = static_cast<uint64_t>(c - '0');
    if (sum > (limit - digit) / 10) return false;
    sum = sum * 10 + digit;
  }
  *value = static_cast<int64_t>(negative ? 0 - sum : sum);
  return true;
}

// A number as an integer times a power of ten; the integer's last digit is not
// 0, unless it is 0.
struct Scaled {
  static constexpr int64_t kMaxDigits = 19;  // As many fit into 64 bits.

  uint64_t integer = 0;
  int64_t digits = 0;
  int64_t exponent = 0;
  int64_t zeros = 0;  // At its end, not yet part of the integer.

  // False when the integer becomes too long.
  bool AddDigit(char c) {
    if (c == '0') {
      if (integer > 0) ++zeros;
      return true;
    }
    digits += zeros + 1;
    if (digits > kMaxDigits) return false;
    for (; zeros > 0; --zeros) integer *= 10;
    integer = integer * 10 + static_cast<uint64_t>(c - '0');
    return true;
  }
};

// The number behind the `e`, or some number as large where it is very large.
int64_t ExponentOf(absl::string_view text) {
  constexpr int64_t kLarge = int64_t{1} << 40;
  bool negative = false;
  int64_t exponent = 0;
  for (const char c : TakeSign(text, &negative))
    exponent = std::min(kLarge, exponent * 10 + (c - '0'));
  return negative ? -exponent : exponent;
}

// False when it has too many digits to be an integer within int64.
bool ScaledOf(absl::string_view decimal_text, char decimal, Scaled* scaled) {
  int64_t places = 0;
  bool fraction = false;
  size_t i = 0;
  for (; i < decimal_text.size(); ++i) {
    const char c = decimal_text[i];
    if (c == decimal) {
      fraction = true;
    } else if (!IsDigit(c)) {
      scaled->exponent = ExponentOf(decimal_text.substr(i + 1));
      break;
    } else {
      if (fraction) ++places;
      if (!scaled->AddDigit(c)) return false;
    }
  }
  scaled->exponent += scaled->zeros - places;
  return true;
}

}  // namespace

NumberKind ClassifyNumber(absl::string_view text, char decimal) {
  bool negative = false;
  const absl::string_view digits = TakeSign(Trim(text), &negative);
  if (digits.empty()) return NumberKind::kNone;
  if (CountDigits(digits, 0) == digits.size()) {
    int64_t value = 0;
    return AccumulateDigits(digits, negative, &value) ? NumberKind::kInt64
                                                      : NumberKind::kBigInt;
  }
  return IsDecimal(digits, decimal) || IsInfinity(digits)
             ? NumberKind::kFraction
             : NumberKind::kNone;
}

bool ParseInt64(absl::string_view text, int64_t* value) {
  bool negative = false;
  const absl::string_view digits = TakeSign(Trim(text), &negative);
  return !digits.empty() && CountDigits(digits, 0) == digits.size() &&
         AccumulateDigits(digits, negative, value);
}

bool ParseWholeNumber(absl::string_view text, char decimal, int64_t* value) {
  bool negative = false;
  const absl::string_view digits = TakeSign(Trim(text), &negative);
  Scaled scaled;
  if (!IsDecimal(digits, decimal) || !ScaledOf(digits, decimal, &scaled))
    return false;
  if (scaled.integer == 0) scaled.exponent = 0;
  if (scaled.exponent < 0 || scaled.exponent >= Scaled::kMaxDigits)
    return false;
  for (; scaled.exponent > 0; --scaled.exponent)
    if (__builtin_mul_overflow(scaled.integer, 10, &scaled.integer))
      return false;
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (scaled.integer > (negative ? kMax + 1 : kMax)) return false;
  *value = static_cast<int64_t>(negative ? 0 - scaled.integer : scaled.integer);
  return true;
}

absl::string_view WithoutSeparators(absl::string_view text, char separator,
                                    std::string* scratch) {
  const absl::string_view number = Trim(text);
  if (number.find(separator) == absl::string_view::npos) return number;
  bool negative = false;
  absl::string_view rest = TakeSign(number, &negative);
  scratch->assign(negative ? 1 : 0, '-');
  if (rest.empty() || !IsDigit(rest.front())) return "";
  bool repeated = false;
  bool after_digit = false;
  for (; !rest.empty(); rest.remove_prefix(1)) {
    const char c = rest.front();
    if (c != separator && !IsDigit(c)) break;
    if (c != separator) scratch->push_back(c);
    repeated |= c == separator && !after_digit;
    after_digit = c != separator;
  }
  if (rest.find(separator) != absl::string_view::npos) return "";
  if (repeated && !rest.empty()) return "";
  scratch->append(rest.data(), rest.size());
  return *scratch;
}

bool ParseDouble(absl::string_view text, char decimal, double* value) {
  bool negative = false;
  const absl::string_view digits = TakeSign(Trim(text), &negative);
  if (digits.empty()) return false;
  // The library would take "nan(x)" and a second sign.
  if (!IsDigit(digits.front()) && digits.front() != decimal) {
    if (!IsInfinity(digits)) return false;
    *value = std::numeric_limits<double>::infinity();
    if (negative) *value = -*value;
    return true;
  }
  const char* end = digits.data() + digits.size();
  double magnitude = 0;
  const auto result = fast_float::from_chars_advanced(
      digits.data(), end, magnitude,
      fast_float::parse_options(fast_float::chars_format::general, decimal));
  // Versions differ in whether a number out of range is an error; all of them
  // set the value to infinity or zero.
  if (result.ptr != end ||
      (result.ec != std::errc() && result.ec != std::errc::result_out_of_range))
    return false;
  *value = negative ? -magnitude : magnitude;
  return true;
}

bool ParseBool(absl::string_view text, bool* value) {
  *value = text.size() == 4;
  return (text.size() == 4 && LowerCaseWord(text.data()) == WordOf("true")) ||
         (text.size() == 5 && LowerCaseWord(text.data()) == WordOf("fals") &&
          (text[4] | 0x20) == 'e');
}

}  // namespace troupe::loader
