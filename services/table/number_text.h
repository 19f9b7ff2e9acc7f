// Numbers as text, as Python's repr writes them, so that an output file equals
// the one that pandas would write.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace troupe {

// Appends the shortest text that reads back as `value`: 0.1, 1.0, 1e-07, 1e+20,
// nan, inf, -inf.
void AppendDouble(double value, std::string* out);

void AppendInt(int64_t value, std::string* out);

// Whether `text` is a number as JSON writes it (RFC 8259, section 6).
bool IsJsonNumber(absl::string_view text);

}  // namespace troupe
