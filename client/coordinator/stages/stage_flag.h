// Reads the flag that says where stages run.
//
// Thread safety: flags are read before threads start; then any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace troupe {

// The items of every --stage, in the order given: Abseil by itself keeps only
// the last of a flag that is given several times.
const std::vector<std::string>& GivenStages();

// `given` is the flag's items, divided at commas: NAME=TARGET, where an item
// without `NAME=` adds an address to the one before, and the last item of a
// name counts. Returns NAME=TARGET in
// pipeline order: loader, preprocessor, stages of the user's, model; those of
// the three that are not given run on this machine, on their own ports.
// BAD_SPEC (field `--stage`).
absl::StatusOr<std::vector<std::string>> StageTargets(
    const std::vector<std::string>& given);

}  // namespace troupe
