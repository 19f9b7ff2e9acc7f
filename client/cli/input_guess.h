// What the beginning of a local input says of how it is written, where neither
// the command line nor the file's ending does.
//
// Thread safety: functions without state.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/local_input.h"
#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

// What `source` lacks: the format, or delimiter and quote where the file does
// not look as its ending or `source` says. Nothing where it looks as it should,
// and for inputs that are not here or cannot be read twice.
absl::StatusOr<std::optional<pb::Source>> GuessInput(const InputChoice& input,
                                                     const pb::Source& source);

}  // namespace troupe
