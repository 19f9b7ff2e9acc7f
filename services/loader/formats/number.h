// Numbers as text: the one place where cells become numbers.
//
// What counts as a number is what pandas takes for one: spaces around it, a
// leading `+`, leading zeros, `inf` and `infinity` in any case. Hexadecimal,
// digit separators and `nan(...)` are no numbers.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace troupe::loader {

enum class NumberKind {
  kNone,      // No number.
  kInt64,     // Digits, within int64.
  kBigInt,    // Digits, beyond int64.
  kFraction,  // Anything else that ParseDouble takes.
};

// Says what kind of number `text` is. `decimal` stands between the whole and
// the fractional digits.
NumberKind ClassifyNumber(absl::string_view text, char decimal);

// Whether `text` is an integer within int64; then `value` is set.
bool ParseInt64(absl::string_view text, int64_t* value);

// Whether `text` is a number whose value is an integer within int64, however it
// is written ("3.0", "1e3"); then `value` is set. Exact: nothing is rounded.
// Takes time in proportion to the text, whatever its exponent.
bool ParseWholeNumber(absl::string_view text, char decimal, int64_t* value);

// `text`, a number whose whole digits stand in groups with `separator` between
// them, without the separators; "" when that is no number. After a digit the
// separator may stand, as pandas has it, in integers also several times. The
// result is part of `text` or kept in `scratch`.
absl::string_view WithoutSeparators(absl::string_view text, char separator,
                                    std::string* scratch);

// Whether `text` is a number; then `value` is the nearest double. Numbers too
// large for a double become infinite, those too small become zero.
bool ParseDouble(absl::string_view text, char decimal, double* value);

// Whether `text` is true or false, in any case, without spaces around it.
bool ParseBool(absl::string_view text, bool* value);

}  // namespace troupe::loader
