// A PinnedChain is a stored version as something runs it: a job, or a request.
//
// Thread safety: as for a struct.
#pragma once

#include <vector>

#include "client/coordinator/jobs/planner.h"
#include "client/coordinator/passes/batch_flow.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

struct PinnedChain {
  pb::Pipeline pipeline;
  std::vector<PlannedHop> planned;  // For Describe.
  std::vector<FlowHop> hops;        // Without the model, of a TRANSFORM.
};

// `output` is what the model is told to write.
PinnedChain PinChain(pb::Pipeline pipeline, pb::JobKind kind,
                     const pb::OutputSpec& output);

}  // namespace troupe
