#include "services/model/backends/baseline.h"

#include <string>
#include <utility>
#include <vector>

#include "services/model/constant_model.h"

namespace troupe::model {
namespace {

class Baseline : public Backend {
 public:
  Baseline(std::vector<double> scores, size_t features)
      : scores_(std::move(scores)), features_(features) {}

  absl::StatusOr<std::vector<double>> Predict(
      const DenseMatrix& rows) const override {
    std::vector<double> scores;
    scores.reserve(static_cast<size_t>(rows.rows) * scores_.size());
    for (int64_t i = 0; i < rows.rows; ++i)
      scores.insert(scores.end(), scores_.begin(), scores_.end());
    return scores;
  }

  absl::StatusOr<std::vector<double>> Importance() const override {
    return std::vector<double>(features_, 0.0);
  }

  std::string evaluator() const override { return "troupe"; }

 private:
  const std::vector<double> scores_;  // Of every row.
  const size_t features_;
};

class BaselineBackendKind : public BackendKind {
 public:
  absl::Status Check(const ModelPlan&) const override {
    return absl::OkStatus();
  }

  // The artifact's ConstantModel is all there is.
  absl::StatusOr<FitResult> Fit(const ModelPlan&, TrainingSet&,
                                const FitRun&) const override {
    FitResult result;
    result.library = "troupe";
    return result;
  }

  absl::StatusOr<std::unique_ptr<Backend>> Load(
      const pb::ModelArtifact& artifact, const Objective& objective,
      int) const override {
    return std::make_unique<Baseline>(
        ConstantScores(artifact.constant(), objective),
        static_cast<size_t>(artifact.features_size()));
  }
};

}  // namespace

const BackendKind* BaselineKind() {
  static const BaselineBackendKind* const kind = new BaselineBackendKind;
  return kind;
}

}  // namespace troupe::model
