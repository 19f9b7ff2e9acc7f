// The Preprocessor is the stage that turns columns into features: it runs the
// consecutive steps of one hop, and learns what they need to know.
//
// Its artifact, and the state of a fitting pass, is a FittedPreprocessor
// (proto/troupe/v1/fitted.proto); in memory both are a Plan.
//
// Thread safety: see services/actor/actor.h. Plans are immutable.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/host/stage.h"
#include "services/preprocessor/plan.h"

namespace troupe::preprocessor {

class Preprocessor : public Stage {
 public:
  static constexpr absl::string_view kName = "preprocessor";

  // Always BY_OBSERVE without an artifact, and NO_FITTING with one. The bytes
  // per row cover both forms of a table.
  absl::StatusOr<pb::DescribeResponse> Describe(pb::DescribeRequest& request,
                                                const Context&) override;
  // Without an artifact only where nothing is to be fitted (BAD_MESSAGE).
  absl::StatusOr<pb::ProcessResponse> Process(pb::ProcessRequest& request,
                                              const Context&) override;
  absl::StatusOr<pb::ObserveResponse> Observe(pb::ObserveRequest& request,
                                              const Context&) override;
  absl::StatusOr<pb::MergeResponse> Merge(pb::MergeRequest& request,
                                          const Context&) override;
  absl::StatusOr<std::shared_ptr<const Artifact>> LoadArtifact(
      std::string bytes) override;

 private:
  // The named plan, or one for parameters that need no fitting.
  absl::StatusOr<std::shared_ptr<const Plan>> FindPlan(
      const std::string& artifact, const pb::StageParams& params,
      const Schema& schema);
};

}  // namespace troupe::preprocessor
