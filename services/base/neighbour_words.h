// What scikit-learn, XGBoost, LightGBM and pandas call what has another name
// here: who comes from there is told ours.
//
// Thread safety: functions without state.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace troupe {

// Those of `candidates` that mean what `word` means elsewhere; case, `_`, `-`
// and spaces in `word` do not count. Empty where it is none of those words.
std::vector<std::string> NeighbourWords(
    absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace troupe
