#include "services/model/class_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe::model {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// scikit-learn's clipping of binary64 probabilities.
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
// Distinct scores kept apart, over all labels: what fits into a partial.
constexpr int64_t kMaxScores = 2000000;
// For more labels than this, ROC AUC is not told.
constexpr size_t kMaxRocLabels = 100;

absl::Status BadClassSums() {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_PARTIAL",
                   "malformed partial: class sums");
}

double Clipped(double probability) {
  return std::clamp(probability, kEpsilon, 1 - kEpsilon);
}

// Of one row: `count` probabilities.
double LogLoss(const double* probabilities, size_t count, size_t truth) {
  double total = 0;
  for (size_t i = 0; i < count; ++i) total += Clipped(probabilities[i]);
  return -std::log(Clipped(probabilities[truth]) / total);
}

double F1(double hits, double predicted, double actual) {
  return hits == 0 ? 0 : 2 * hits / (predicted + actual);
}

// A confusion matrix with its sums.
struct Counts {
  std::vector<double> hits, predicted, actual;
  double rows = 0;
};

Counts Count(const std::vector<int64_t>& confusion, size_t labels) {
  Counts counts{std::vector<double>(labels), std::vector<double>(labels),
                std::vector<double>(labels)};
  for (size_t t = 0; t < labels; ++t) {
    for (size_t p = 0; p < labels; ++p) {
      const auto rows = static_cast<double>(confusion[t * labels + p]);
      if (t == p) counts.hits[t] = rows;
      counts.actual[t] += rows;
      counts.predicted[p] += rows;
      counts.rows += rows;
    }
  }
  return counts;
}

double Accuracy(const Counts& counts) {
  double hits = 0;
  for (const double count : counts.hits) hits += count;
  return hits / counts.rows;
}

double F1Of(const Counts& counts, bool binary) {
  if (counts.rows == 0) return kNaN;
  if (binary) return F1(counts.hits[1], counts.predicted[1], counts.actual[1]);
  double total = 0;
  int present = 0;
  for (size_t i = 0; i < counts.hits.size(); ++i) {
    if (counts.predicted[i] + counts.actual[i] == 0) continue;
    total += F1(counts.hits[i], counts.predicted[i], counts.actual[i]);
    ++present;
  }
  return total / present;
}

void AddMetric(const char* name, AreaUnderCurve value,
               google::protobuf::RepeatedPtrField<pb::Metric>* metrics) {
  pb::Metric& metric = *metrics->Add();
  metric.set_name(name);
  metric.set_value(value.value);
  metric.set_error_bound(value.error_bound);
}

}  // namespace

ClassMetrics::ClassMetrics(std::vector<double> shares, bool binary)
    : shares_(std::move(shares)),
      binary_(binary),
      labels_(shares_.size()),
      confusion_(labels_ * labels_, 0) {
  if (labels_ > kMaxRocLabels) return;
  const size_t curves = binary_ ? 1 : labels_;
  scores_.assign(curves, RocCounts(kMaxScores / static_cast<int64_t>(curves)));
}

void ClassMetrics::Add(const std::vector<int>& truth,
                       const std::vector<int>& predicted,
                       const std::vector<double>& scores) {
  double losses = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    const auto label = static_cast<size_t>(truth[i]);
    ++Confusion(label, static_cast<size_t>(predicted[i]));
    if (binary_) {
      const double both[] = {1 - scores[i], scores[i]};
      losses += LogLoss(both, 2, label);
    } else {
      losses += LogLoss(&scores[i * labels_], labels_, label);
    }
  }
  log_loss_ += losses;
  AddScores(truth, scores);
}

void ClassMetrics::AddScores(const std::vector<int>& truth,
                             const std::vector<double>& scores) {
  for (size_t curve = 0; curve < scores_.size(); ++curve) {
    const int label = binary_ ? 1 : static_cast<int>(curve);
    std::vector<std::pair<double, bool>> rows;
    rows.reserve(truth.size());
    for (size_t i = 0; i < truth.size(); ++i)
      rows.emplace_back(scores[binary_ ? i : i * labels_ + curve],
                        truth[i] == label);
    scores_[curve].Add(std::move(rows));
  }
}

absl::Status ClassMetrics::Merge(const pb::EvaluationPartial& partial) {
  if (!partial.has_classes()) return BadClassSums();
  const pb::ClassSums& sums = partial.classes();
  if (static_cast<size_t>(sums.classes()) != labels_ ||
      static_cast<size_t>(sums.confusion_size()) != confusion_.size() ||
      static_cast<size_t>(sums.scores_size()) != scores_.size() ||
      !(sums.log_loss() >= 0))
    return BadClassSums();
  int64_t rows = 0;
  for (const int64_t count : confusion_) rows += count;
  for (const int64_t count : sums.confusion()) {
    if (count < 0 || count > (int64_t{1} << 53) - rows) return BadClassSums();
    rows += count;
  }
  std::vector<RocCounts> merged = scores_;
  for (size_t i = 0; i < scores_.size(); ++i) {
    ASSIGN_OR_RETURN(const RocCounts counts,
                     RocCounts::FromProto(
                         sums.scores(static_cast<int>(i)),
                         kMaxScores / static_cast<int64_t>(scores_.size())));
    merged[i].Merge(counts);
    if (merged[i].rows() != rows) return BadClassSums();
  }
  for (size_t i = 0; i < confusion_.size(); ++i)
    confusion_[i] += sums.confusion(static_cast<int>(i));
  log_loss_ += sums.log_loss();
  scores_.swap(merged);
  return absl::OkStatus();
}

pb::EvaluationPartial ClassMetrics::ToProto() const {
  pb::EvaluationPartial partial;
  pb::ClassSums& sums = *partial.mutable_classes();
  sums.set_classes(static_cast<int32_t>(labels_));
  *sums.mutable_confusion() = {confusion_.begin(), confusion_.end()};
  sums.set_log_loss(log_loss_);
  for (const RocCounts& counts : scores_) *sums.add_scores() = counts.ToProto();
  return partial;
}

AreaUnderCurve ClassMetrics::MeanArea() const {
  AreaUnderCurve mean;
  for (const RocCounts& counts : scores_) {
    const AreaUnderCurve area = counts.Area();
    mean.value += area.value / static_cast<double>(scores_.size());
    mean.error_bound += area.error_bound / static_cast<double>(scores_.size());
  }
  return mean;
}

pb::Evaluation ClassMetrics::Report() const {
  pb::Evaluation evaluation;
  const Counts counts = Count(confusion_, labels_);
  evaluation.set_rows(static_cast<int64_t>(counts.rows));
  *evaluation.mutable_confusion() = {confusion_.begin(), confusion_.end()};
  auto* const metrics = evaluation.mutable_metrics();
  AddMetric("accuracy", {Accuracy(counts)}, metrics);
  AddMetric("log_loss", {log_loss_ / counts.rows}, metrics);
  if (!scores_.empty()) AddMetric("roc_auc", MeanArea(), metrics);
  AddMetric("f1", {F1Of(counts, binary_)}, metrics);

  // The baseline predicts the label with the largest share for every row.
  const auto majority = static_cast<size_t>(
      std::max_element(shares_.begin(), shares_.end()) - shares_.begin());
  Counts constant = counts;
  std::fill(constant.hits.begin(), constant.hits.end(), 0.0);
  std::fill(constant.predicted.begin(), constant.predicted.end(), 0.0);
  constant.hits[majority] = counts.actual[majority];
  constant.predicted[majority] = counts.rows;
  double loss = 0;
  for (size_t i = 0; i < labels_; ++i)
    if (counts.actual[i] > 0)
      loss += counts.actual[i] * LogLoss(shares_.data(), labels_, i);
  auto* const baseline = evaluation.mutable_baseline();
  AddMetric("accuracy", {Accuracy(constant)}, baseline);
  AddMetric("log_loss", {loss / counts.rows}, baseline);
  if (!scores_.empty())
    AddMetric("roc_auc", {std::isnan(MeanArea().value) ? kNaN : 0.5}, baseline);
  AddMetric("f1", {F1Of(constant, binary_)}, baseline);
  return evaluation;
}

}  // namespace troupe::model
