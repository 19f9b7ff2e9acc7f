// RegressionMetrics are sums over rows from which RMSE, MAE, R2 and for counts
// the Poisson deviance follow, of a model and of a constant beside it.
// Unweighted, as scikit-learn's without sample_weight.
//
// Thread safety: one thread at a time.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "proto/pb.h"
#include "troupe/v1/model_evaluation.pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe::model {

class RegressionMetrics {
 public:
  // `constant` is the baseline's prediction; `counts` whether the deviance is
  // told.
  RegressionMetrics(double constant, bool counts)
      : constant_(constant), counts_(counts) {}

  // Adds rows; both are equally long.
  void Add(const std::vector<double>& targets,
           const std::vector<double>& predictions);
  // Adds sums from outside. INVALID_ARGUMENT (BAD_PARTIAL) for nonsense.
  absl::Status Merge(const pb::EvaluationPartial& partial);

  pb::EvaluationPartial ToProto() const;
  pb::Evaluation Report() const;

 private:
  void MergeSums(const pb::RegressionSums& sums);
  void AppendMetrics(
      const pb::ErrorSums& errors,
      google::protobuf::RepeatedPtrField<pb::Metric>* metrics) const;

  const double constant_;
  const bool counts_;
  pb::RegressionSums sums_;
};

}  // namespace troupe::model
