// A FittedModel is a model artifact in memory: a backend with the names of its
// features and labels, and the constant it is compared with.
//
// Thread safety: immutable; any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/host/artifact_cache.h"
#include "services/model/backend.h"
#include "services/model/label_set.h"
#include "services/model/objective.h"
#include "troupe/v1/model_artifact.pb.h"

namespace troupe::model {

struct FittedModel : public Artifact {
  Objective objective;
  std::vector<std::string> features;  // In the backend's order.
  LabelSet labels;                    // Empty for regression.
  pb::ConstantModel constant;
  std::unique_ptr<const Backend> backend;

  // Of the prediction column.
  DataType prediction_type() const {
    return objective.classifies() ? labels.column_type() : pb::FLOAT64;
  }
};

// Reads the bytes of an artifact, which are hostile: ARTIFACT_CORRUPT unless
// everything in it agrees.
absl::StatusOr<std::shared_ptr<const FittedModel>> LoadFittedModel(
    const std::string& bytes, int predict_threads);

// The bytes of an artifact.
absl::StatusOr<std::string> StoreFittedModel(const ModelPlan& plan,
                                             const TrainingSet& set,
                                             const std::string& target,
                                             FitResult result);

}  // namespace troupe::model
