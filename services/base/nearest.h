// Finds the name that a user probably meant.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace troupe {

// Returns the candidate with the smallest edit distance (Levenshtein, case
// ignored, a transposition counts one) if that is at most a third of the
// longer name, at least 1; otherwise "". Of equals the first.
std::string NearestName(absl::string_view name,
                        const std::vector<std::string>& candidates);

// Returns `; did you mean "x"?`, or "" when nothing is near.
std::string DidYouMean(absl::string_view name,
                       const std::vector<std::string>& candidates);

}  // namespace troupe
