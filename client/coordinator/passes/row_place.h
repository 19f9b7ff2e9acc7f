// Where a row stands in its file. Stages know a row by its ordinal only; people
// look for a line.
//
// Thread safety: functions without state, on the job's thread.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "client/coordinator/passes/job_context.h"
#include "client/coordinator/passes/job_input.h"
#include "proto/pb.h"
#include "troupe/v1/loader.pb.h"

namespace troupe {

// The error with `FILE:LINE: ` before it, where it names a row (metadata `row`)
// of one of these splits (rising) and does not say its place already. Asks the
// loader; where that does not answer, the error as it is.
absl::Status AtRow(JobContext& context, const JobInput& input,
                   const std::vector<pb::Split>& splits, absl::Status error);

}  // namespace troupe
