#include "services/model/backends/xgboost.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/model/backends/tree_ensemble.h"
#include "services/model/backends/xgboost_fit.h"
#include "services/model/backends/xgboost_handles.h"
#include "services/model/backends/xgboost_model.h"

namespace troupe::model {
namespace {

// 1.7 demands the cache_id, 3.0 passes it over.
constexpr char kPredictConfig[] =
    "{\"type\":0,\"training\":false,\"iteration_begin\":0,"
    "\"iteration_end\":0,\"strict_shape\":true,\"missing\":NaN,"
    "\"cache_id\":0}";

// XGBoost's predictions for `rows` rows; the values are XGBoost's, and this
// thread's next call overwrites them.
absl::StatusOr<absl::Span<const float>> PredictByXgboost(BoosterHandle booster,
                                                         const float* values,
                                                         int64_t rows,
                                                         int64_t features) {
  const std::string interface = ArrayInterface(values, rows, features, "<f4");
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* scores = nullptr;
  RETURN_IF_ERROR(CheckXgboost(
      XGBoosterPredictFromDense(booster, interface.c_str(), kPredictConfig,
                                nullptr, &shape, &dimensions, &scores),
      "predict"));
  size_t count = dimensions == 0 ? 0 : 1;
  for (bst_ulong d = 0; d < dimensions; ++d) count *= shape[d];
  return absl::MakeConstSpan(scores, count);
}

class Trees : public Backend {
 public:
  // `groups`: scores per row.
  Trees(Booster booster, int64_t features, int groups, int threads)
      : booster_(std::move(booster)),
        features_(features),
        groups_(groups),
        threads_(threads) {}

  // To be called once, before anything else: what XGBoost prepares with its
  // first prediction, no two threads may.
  absl::Status Choose(absl::string_view ubjson, absl::string_view objective) {
    absl::StatusOr<TreeEnsemble> ensemble =
        TreeEnsemble::Create(ubjson, objective, features_, groups_);
    if (!ensemble.ok()) {
      evaluator_ = absl::StrCat("xgboost (", ensemble.status().message(), ")");
      const std::vector<float> row(static_cast<size_t>(features_), 0.0f);
      return PredictByXgboost(booster_.get(), row.data(), 1, features_)
          .status();
    }
    const auto reference = [this](const float* values, int64_t rows,
                                  std::vector<float>* scores) -> absl::Status {
      ASSIGN_OR_RETURN(
          const absl::Span<const float> theirs,
          PredictByXgboost(booster_.get(), values, rows, features_));
      scores->assign(theirs.begin(), theirs.end());
      return absl::OkStatus();
    };
    ASSIGN_OR_RETURN(const bool agrees, ensemble->Agrees(reference));
    if (agrees) ensemble_ = *std::move(ensemble);
    evaluator_ = agrees ? "troupe" : "xgboost (it differs from troupe's)";
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<double>> Predict(
      const DenseMatrix& rows) const override {
    std::vector<double> scores(static_cast<size_t>(rows.rows * groups_));
    if (ensemble_.has_value()) {
      std::vector<float> floats(scores.size());
      ensemble_->Predict(rows.floats(), rows.rows, threads_, floats.data());
      std::copy(floats.begin(), floats.end(), scores.begin());
    } else if (rows.rows > 0) {
      ASSIGN_OR_RETURN(const absl::Span<const float> floats,
                       PredictByXgboost(booster_.get(), rows.floats(),
                                        rows.rows, features_));
      if (floats.size() != scores.size())
        return ArtifactCorrupt("the model answers another number of scores");
      std::copy(floats.begin(), floats.end(), scores.begin());
    }
    for (const double score : scores)
      if (std::isnan(score))
        return ArtifactCorrupt("the model predicts what is no number");
    return scores;
  }

  std::string evaluator() const override { return evaluator_; }

  absl::StatusOr<std::vector<double>> Importance() const override {
    bst_ulong count = 0;
    bst_ulong dimensions = 0;
    const char** names = nullptr;
    const bst_ulong* shape = nullptr;
    const float* gains = nullptr;
    RETURN_IF_ERROR(CheckXgboost(
        XGBoosterFeatureScore(booster_.get(),
                              "{\"importance_type\":\"total_gain\"}", &count,
                              &names, &dimensions, &shape, &gains),
        "tell the importance of features"));
    std::vector<double> shares(static_cast<size_t>(features_), 0.0);
    double total = 0;
    for (bst_ulong i = 0; i < count; ++i) {
      // We give XGBoost no names (it refuses some), so it counts: "f12".
      int64_t feature = -1;
      if (!absl::SimpleAtoi(absl::string_view(names[i]).substr(1), &feature) ||
          feature < 0 || feature >= features_)
        return absl::InternalError("XGBoost names an unknown feature");
      shares[static_cast<size_t>(feature)] = static_cast<double>(gains[i]);
      total += static_cast<double>(gains[i]);
    }
    if (total > 0)
      for (double& share : shares) share /= total;
    return shares;
  }

 private:
  const Booster booster_;
  const int64_t features_;
  const int groups_;
  const int threads_;
  std::optional<TreeEnsemble> ensemble_;
  std::string evaluator_;
};

class XgboostBackendKind : public BackendKind {
 public:
  absl::Status Check(const ModelPlan& plan) const override {
    return TryParameters(plan);
  }

  absl::StatusOr<FitResult> Fit(const ModelPlan& plan, TrainingSet& set,
                                const FitRun& run) const override {
    return FitTrees(plan, set, run);
  }

  absl::StatusOr<std::unique_ptr<Backend>> Load(
      const pb::ModelArtifact& artifact, const Objective& objective,
      int threads) const override {
    ExpectedModel expected{objective, artifact.labels_size(),
                           artifact.features_size()};
    ASSIGN_OR_RETURN(const std::string ubjson,
                     CheckXgboostModel(artifact.model(), expected));
    absl::StatusOr<Booster> booster = LoadBooster(ubjson);
    if (!booster.ok()) return ArtifactCorrupt(booster.status().message());
    RETURN_IF_ERROR(SetParameter(*booster, "nthread", absl::StrCat(threads)));
    RETURN_IF_ERROR(SetParameter(*booster, "verbosity", "0"));
    auto trees = std::make_unique<Trees>(
        *std::move(booster), expected.features,
        objective.task == Task::kMulticlass ? expected.labels : 1, threads);
    RETURN_IF_ERROR(trees->Choose(ubjson, objective.name));
    return trees;
  }
};

}  // namespace

const BackendKind* XgboostKind() {
  static const XgboostBackendKind* const kind = new XgboostBackendKind;
  return kind;
}

}  // namespace troupe::model
