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

// Returns `; did you mean "x"?`, or "" when nothing is near. What other tools
// call one of the candidates (NeighbourWords) counts as nearer than any
// spelling.
std::string DidYouMean(absl::string_view name,
                       const std::vector<std::string>& candidates);

// Returns `; the table has one column, "a;b": is the delimiter ";"?` for a
// table of one column whose name looks like several; otherwise "".
std::string AskForDelimiter(const std::vector<std::string>& columns);

}  // namespace troupe
