// Asks a stage to merge, and goes on asking until all of what it fitted is
// there.
//
// Thread safety: everything belongs to the job's thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/coordinator/passes/job_context.h"
#include "proto/pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

// Sets what `request` says about pieces. The answer holds the whole artifact or
// state, of the size and digest that each of its pieces said: INTERNAL
// (BAD_REPLY) otherwise, RESOURCE_EXHAUSTED (ARTIFACT_TOO_LARGE) beyond
// JobLimits.max_artifact_bytes. May Pump.
absl::StatusOr<pb::MergeResponse> CallMerge(JobContext& context,
                                            const std::string& stage,
                                            pb::MergeRequest request);

}  // namespace troupe
