// Shows a place of a text as compilers do: its line, and a caret below.
//
// Thread safety: a function without state.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "client/spec/config_node.h"

namespace troupe {

// Two lines, each behind a line end; of a long line the part around the place.
// Nothing where the text has no such line.
std::string SourceLine(absl::string_view text, Position position);

}  // namespace troupe
