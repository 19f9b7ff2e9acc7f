// How hops learn: by passes of Observe and Merge, or by a Fit that sees every
// batch.
//
// Thread safety: everything belongs to the job's thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/passes/batch_flow.h"
#include "client/coordinator/passes/input_plan.h"
#include "client/coordinator/passes/job_context.h"
#include "client/coordinator/passes/job_input.h"
#include "client/coordinator/passes/reject_account.h"
#include "proto/pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

// What all passes of one training share. Lives as long as they.
struct TrainingInput {
  const JobInput* input = nullptr;
  const InputPlan* plan = nullptr;
  pb::Schema columns;  // Without CARRY.
  pb::SplitSpec split;
  pb::RowSet rows = pb::ALL_ROWS;
};

// Fits one hop by Observe and Merge, over as many passes as it asks for, on the
// rows that come through `before`. Returns the artifact's SHA-256. `what` names
// the hop in the progress; `account` is the last pass's. Finished passes are
// journaled under `step`, and not done again.
absl::StatusOr<std::string> FitByObserving(
    JobContext& context, const TrainingInput& training,
    const std::vector<FlowHop>& before, const FlowHop& hop,
    const pb::Schema& arriving, const std::string& what,
    const std::string& step, RejectAccount& account,
    std::vector<std::string>* warnings);

// Fits one hop by a Fit, which starts over on another replica where one dies.
// A finished one is journaled under `step`, and not done again.
struct FitResult {
  std::string artifact;  // SHA-256.
  pb::FitResult learned;
};
absl::StatusOr<FitResult> FitByStreaming(
    JobContext& context, const TrainingInput& training,
    const std::vector<FlowHop>& before, const FlowHop& hop,
    const pb::FitStart& start, const std::string& step, RejectAccount& account);

// Measures `model` on the rows that come through `plan`; NO_ROWS where none do.
absl::StatusOr<pb::Evaluation> EvaluateRows(
    JobContext& context, const JobInput& input, SplitSource& splits,
    FlowPlan plan, const FlowHop& model, const pb::Schema& arriving,
    RejectAccount& account, std::vector<std::string>* warnings);

}  // namespace troupe
