#include "services/model/backends/xgboost.h"

#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
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

class Trees : public Backend {
 public:
  // `scores` per row.
  Trees(Booster booster, int64_t features, int64_t scores)
      : booster_(std::move(booster)), features_(features), scores_(scores) {}

  absl::StatusOr<std::vector<double>> Predict(
      const DenseMatrix& rows) const override {
    if (rows.rows == 0) return std::vector<double>();
    const std::string interface =
        ArrayInterface(rows.values.data(), rows.rows, features_, "<f4");
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* values = nullptr;
    RETURN_IF_ERROR(CheckXgboost(
        XGBoosterPredictFromDense(booster_.get(), interface.c_str(),
                                  kPredictConfig, nullptr, &shape, &dimensions,
                                  &values),
        "predict"));
    int64_t count = dimensions == 0 ? 0 : 1;
    for (bst_ulong d = 0; d < dimensions; ++d)
      count *= static_cast<int64_t>(shape[d]);
    if (count != rows.rows * scores_)
      return ArtifactCorrupt("the model answers another number of scores");
    // The values are XGBoost's, and this thread's next call overwrites them.
    std::vector<double> scores(values, values + count);
    for (const double score : scores)
      if (std::isnan(score))
        return ArtifactCorrupt("the model predicts what is no number");
    return scores;
  }

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
  const int64_t scores_;
};

class Kind : public BackendKind {
 public:
  absl::Status Check(const ModelPlan& plan) const override {
    return TryParameters(plan);
  }

  absl::StatusOr<FitResult> Fit(const ModelPlan& plan, TrainingSet& set,
                                int threads,
                                const Context& context) const override {
    return FitTrees(plan, set, threads, context);
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
        objective.task == Task::kMulticlass ? expected.labels : 1);
    // The first prediction configures the booster, which no two threads may.
    DenseMatrix row;
    row.rows = 1;
    row.values.assign(static_cast<size_t>(expected.features) * sizeof(float),
                      '\0');
    RETURN_IF_ERROR(trees->Predict(row).status());
    return trees;
  }
};

}  // namespace

const BackendKind* XgboostKind() {
  static const Kind* const kind = new Kind;
  return kind;
}

}  // namespace troupe::model
