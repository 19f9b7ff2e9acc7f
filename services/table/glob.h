// Patterns of column names.
//
// Thread safety: functions without state.
#pragma once

#include "absl/strings/string_view.h"

namespace troupe {

// Whether `pattern` is more than a name: it holds `*` or `?`.
bool HasGlob(absl::string_view pattern);

// Whether `name` fits `glob`, whole: `*` is any text, `?` one UTF-8 character.
bool MatchesGlob(absl::string_view glob, absl::string_view name);

}  // namespace troupe
