// Reads the flag that says where stages run.
//
// Thread safety: functions without state.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace troupe {

// `given` is the flag's items, divided at commas: NAME=TARGET, where an item
// without `NAME=` adds an address to the one before. Returns NAME=TARGET in
// pipeline order: loader, preprocessor, stages of the user's, model; those of
// the three that are not given run on this machine, on their own ports.
// BAD_SPEC (field `--stage`).
absl::StatusOr<std::vector<std::string>> StageTargets(
    const std::vector<std::string>& given);

}  // namespace troupe
