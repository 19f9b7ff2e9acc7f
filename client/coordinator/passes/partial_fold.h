// A PartialFold joins the partials of a pass as they come, in batch order, so
// that never more than one Merge's worth is in memory, and rarely more than 32
// MiB. Which ones are joined with which depends on their order and sizes only.
//
// Thread safety: everything belongs to the job's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/passes/batch_flow.h"
#include "client/coordinator/passes/job_context.h"
#include "proto/pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

class PartialFold {
 public:
  // Everything must outlive this object. `rows`: what a pass has at most.
  PartialFold(JobContext* context, const FlowObserve* observe,
              const pb::Schema* arriving, int64_t rows = 0)
      : context_(context),
        observe_(observe),
        arriving_(arriving),
        rows_(rows) {}

  // Adds the next partials. May Pump.
  absl::Status Add(std::vector<std::string> partials);

  // Joins what is left, finally.
  absl::StatusOr<pb::MergeResponse> Finish() { return Merge(true); }

 private:
  absl::StatusOr<pb::MergeResponse> Merge(bool last);

  JobContext* const context_;
  const FlowObserve* const observe_;
  const pb::Schema* const arriving_;
  const int64_t rows_;
  std::vector<std::string> partials_;
  int64_t bytes_ = 0;
  int64_t carried_ = 0;  // Of these in what was joined last.
  int64_t merges_ = 0;
};

}  // namespace troupe
