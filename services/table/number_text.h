// Numbers as text, as Python's repr writes them, so that an output file equals
// the one that pandas would write.
//
// Thread safety: functions without state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace troupe {

// The longest number: -1.7976931348623157e+308.
inline constexpr size_t kMaxNumberBytes = 24;

// What the functions below need at `out`: they may write (and not mean) more
// than the number itself.
inline constexpr size_t kNumberRoom = 48;

// Writes the shortest text that reads back as `value` (of several the one
// nearest to it): 0.1, 1.0, 1e-07, 1e+20, nan, inf, -inf. Returns its end.
char* WriteDouble(double value, char* out);

// Returns the end.
char* WriteInt(int64_t value, char* out);

// The same at the end of a string.
void AppendDouble(double value, std::string* out);
void AppendInt(int64_t value, std::string* out);

// Whether `text` is a number as JSON writes it (RFC 8259, section 6).
bool IsJsonNumber(absl::string_view text);

}  // namespace troupe
