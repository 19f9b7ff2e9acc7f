// Model is the stage that learns from features and predicts: trees by XGBoost,
// or a constant. It is fitted by Fit and evaluated by Observe and Merge.
//
// Thread safety: see services/actor/actor.h. Lanes share fitted models, which
// are immutable, and the options.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/host/stage.h"
#include "services/model/fitted_model.h"
#include "services/model/model_options.h"

namespace troupe::model {

class Model : public Stage {
 public:
  static constexpr absl::string_view kName = "model";
  static constexpr int kPort = 50053;

  // With the options of the flags.
  Model() : Model(ModelOptions::FromFlags()) {}
  explicit Model(ModelOptions options) : options_(std::move(options)) {}

  absl::StatusOr<pb::DescribeResponse> Describe(
      pb::DescribeRequest& request, const Context& context) override;
  // Predicts.
  absl::StatusOr<pb::ProcessResponse> Process(pb::ProcessRequest& request,
                                              const Context& context) override;
  // Evaluates one batch; there are no fitting passes.
  absl::StatusOr<pb::ObserveResponse> Observe(pb::ObserveRequest& request,
                                              const Context& context) override;
  absl::StatusOr<pb::MergeResponse> Merge(pb::MergeRequest& request,
                                          const Context& context) override;
  absl::StatusOr<Learned> Fit(const pb::FitStart& start, FitStream& tables,
                              const Context& context) override;
  absl::StatusOr<std::shared_ptr<const Artifact>> LoadArtifact(
      std::string bytes) override;

 private:
  absl::StatusOr<std::shared_ptr<const FittedModel>> Fitted(
      const std::string& sha256);

  const ModelOptions options_;
};

}  // namespace troupe::model
