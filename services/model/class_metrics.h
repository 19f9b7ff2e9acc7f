// ClassMetrics are sums over rows from which accuracy, log loss, F1, ROC AUC
// and the confusion matrix follow, of a model and of the constant beside it, as
// scikit-learn defines them, with its sample_weight where rows have weights: F1
// of the second of two labels, or the mean over labels (macro); ROC AUC of
// several labels one against the rest, mean over labels.
//
// Rows of a label that the model has not learned count as wrong predictions of
// probability 0 for that label: what scikit-learn says when the label has a
// column of zeros. To two labels' ROC AUC and F1 they are rows that do not have
// the second label.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/pb.h"
#include "services/base/exact_sum.h"
#include "services/model/roc_auc.h"
#include "troupe/v1/model_evaluation.pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe::model {

// Rows with a label.
struct LabelledRows {
  // The true classes; -1 for a label that the model has not learned.
  std::vector<int> truth;
  // The names of those labels, by row of `truth`.
  std::map<size_t, std::string> unseen;
  std::vector<int> predicted;
  // As Backend::Predict gives them.
  std::vector<double> scores;
  // One per row, finite and at least 0; empty where rows have none.
  std::vector<double> weights;
};

class ClassMetrics {
 public:
  // `shares` are the labels' shares of the training rows or their weight (the
  // baseline).
  // `binary`: scores are one probability per row, that of the second label.
  // `weighted`: rows have weights.
  ClassMetrics(std::vector<double> shares, bool binary, bool weighted);

  // INVALID_ARGUMENT (TOO_MANY_LABELS) for too many that were not learned.
  absl::Status Add(const LabelledRows& rows);
  // Adds sums from outside. INVALID_ARGUMENT (BAD_PARTIAL) for nonsense,
  // (TOO_MANY_LABELS) as Add.
  absl::Status Merge(const pb::EvaluationPartial& partial);

  pb::EvaluationPartial ToProto() const;
  // The only labels in it are those that were not learned.
  pb::Evaluation Report() const;

  // How many rows there were of every label that was not learned.
  std::map<std::string, int64_t> UnseenRows() const;

 private:
  // Rows of a label that was not learned.
  struct Unseen {
    std::vector<int64_t> predicted;  // By predicted label.
    ExactSum weight;
  };
  // Weights, or rows where they have none, by class.
  struct Counts {
    std::vector<double> hits, predicted, actual;
    std::vector<double> unseen;  // By label that was not learned.
    double all = 0;
  };

  void AddScores(const LabelledRows& rows);
  Counts Count() const;
  double F1Of(const Counts& counts) const;
  AreaUnderCurve MeanArea() const;

  const std::vector<double> shares_;
  const bool binary_;
  const bool weighted_;
  const size_t labels_;
  std::vector<int64_t> confusion_;  // Row-major: truth, prediction.
  std::map<std::string, Unseen> unseen_;
  // By class; empty unless weighted.
  std::vector<ExactSum> hits_, predicted_, actual_;
  ExactSum log_loss_;
  std::vector<RocCounts> scores_;
};

}  // namespace troupe::model
