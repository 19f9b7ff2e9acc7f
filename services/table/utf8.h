// Checks text.
//
// Thread safety: a function without state.
#pragma once

#include "absl/strings/string_view.h"

namespace troupe {

// Whether `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong
// forms, nothing above U+10FFFF).
bool IsUtf8(absl::string_view text);

}  // namespace troupe
