// ClassMetrics are sums over rows from which accuracy, log loss, F1, ROC AUC
// and the confusion matrix follow, of a model and of the constant beside it.
// Unweighted, as scikit-learn's without sample_weight: F1 of the second of two
// labels, or the mean over labels (macro); ROC AUC of several labels one
// against the rest, mean over labels.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "proto/pb.h"
#include "services/model/roc_auc.h"
#include "troupe/v1/model_evaluation.pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe::model {

class ClassMetrics {
 public:
  // `shares` are the labels' shares of the training rows (the baseline).
  // `binary`: scores are one probability per row, that of the second label.
  ClassMetrics(std::vector<double> shares, bool binary);

  // Adds rows: true classes, predicted classes, and scores as
  // Backend::Predict gives them.
  void Add(const std::vector<int>& truth, const std::vector<int>& predicted,
           const std::vector<double>& scores);
  // Adds sums from outside. INVALID_ARGUMENT (BAD_PARTIAL) for nonsense.
  absl::Status Merge(const pb::EvaluationPartial& partial);

  pb::EvaluationPartial ToProto() const;
  // Without labels.
  pb::Evaluation Report() const;

 private:
  int64_t& Confusion(size_t truth, size_t predicted) {
    return confusion_[truth * labels_ + predicted];
  }
  void AddScores(const std::vector<int>& truth,
                 const std::vector<double>& scores);
  AreaUnderCurve MeanArea() const;

  const std::vector<double> shares_;
  const bool binary_;
  const size_t labels_;
  std::vector<int64_t> confusion_;  // Row-major: truth, prediction.
  double log_loss_ = 0;
  std::vector<RocCounts> scores_;
};

}  // namespace troupe::model
