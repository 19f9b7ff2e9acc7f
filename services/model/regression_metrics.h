// RegressionMetrics are sums over rows from which RMSE, MAE, R2 and for counts
// the Poisson deviance follow, of a model and of a constant beside it, as
// scikit-learn defines them, with its sample_weight where rows have weights.
// The sums are exact (services/base/exact_sum.h): how rows are divided into
// batches changes no bit.
//
// Thread safety: one thread at a time.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "proto/pb.h"
#include "services/base/exact_sum.h"
#include "troupe/v1/model_evaluation.pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe::model {

class RegressionMetrics {
 public:
  // `constant` is the baseline's prediction; `counts` whether the deviance is
  // told; `weighted`, whether rows have weights.
  RegressionMetrics(double constant, bool counts, bool weighted)
      : constant_(constant), counts_(counts), weighted_(weighted) {}

  // Adds rows of finite targets, with `weights` (finite, at least 0) where rows
  // have them. All are equally long.
  void Add(const std::vector<double>& targets,
           const std::vector<double>& predictions,
           const std::vector<double>& weights);
  // Adds sums from outside. INVALID_ARGUMENT (BAD_PARTIAL) for nonsense.
  absl::Status Merge(const pb::EvaluationPartial& partial);

  pb::EvaluationPartial ToProto() const;
  pb::Evaluation Report() const;

 private:
  // Of one predictor.
  struct Errors {
    ExactSum squared;
    ExactSum absolute;
    ExactSum poisson;
  };

  void AddError(double target, double prediction, double weight,
                Errors& errors) const;
  static pb::ErrorSums ToProto(const Errors& errors);
  static bool FromProto(const pb::ErrorSums& sums, Errors* errors);
  static void AddErrors(const Errors& from, Errors& to);
  void AppendMetrics(
      const Errors& errors,
      google::protobuf::RepeatedPtrField<pb::Metric>* metrics) const;

  const double constant_;
  const bool counts_;
  const bool weighted_;
  int64_t rows_ = 0;
  ExactMoments targets_;
  Errors model_;
  Errors baseline_;
};

}  // namespace troupe::model
