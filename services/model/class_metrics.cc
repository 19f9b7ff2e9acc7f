#include "services/model/class_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe::model {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// scikit-learn's clipping of binary64 probabilities.
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
// Distinct scores kept apart, over all labels: what fits into a partial.
constexpr int64_t kMaxScores = 2000000;
// A weight takes eight bytes, often twice, and most counts take one.
constexpr int64_t kMaxWeightedScores = kMaxScores / 4;
// For more labels than this, ROC AUC is not told.
constexpr size_t kMaxRocLabels = 100;
// More labels that were not learned are no labels.
constexpr size_t kMaxUnseen = 1000;

absl::Status BadClassSums() {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_PARTIAL",
                   "malformed partial: class sums");
}

double Clipped(double probability) {
  return std::clamp(probability, kEpsilon, 1 - kEpsilon);
}

// Of one row: `count` probabilities; `truth` beyond them was not learned.
double LogLoss(const double* probabilities, size_t count, int truth) {
  double total = 0;
  for (size_t i = 0; i < count; ++i) total += Clipped(probabilities[i]);
  if (truth < 0) return -std::log(kEpsilon / (total + kEpsilon));
  return -std::log(Clipped(probabilities[truth]) / total);
}

double F1(double hits, double predicted, double actual) {
  return hits == 0 ? 0 : 2 * hits / (predicted + actual);
}

void AddMetric(const char* name, AreaUnderCurve value,
               google::protobuf::RepeatedPtrField<pb::Metric>* metrics) {
  pb::Metric& metric = *metrics->Add();
  metric.set_name(name);
  metric.set_value(value.value);
  metric.set_error_bound(value.error_bound);
}

using Bytes = google::protobuf::RepeatedPtrField<std::string>;

void WriteSums(const std::vector<ExactSum>& sums, Bytes* bytes) {
  for (const ExactSum& sum : sums) *bytes->Add() = sum.ToBytes();
}

// Adds foreign weights; false where they are none.
bool AddWeight(const std::string& bytes, ExactSum& sum) {
  ExactSum read;
  if (!ExactSum::FromBytes(bytes, &read) || !read.finite() || read.negative())
    return false;
  sum.Add(read);
  return true;
}

bool AddWeights(const Bytes& bytes, std::vector<ExactSum>& sums) {
  if (static_cast<size_t>(bytes.size()) != sums.size()) return false;
  for (size_t i = 0; i < sums.size(); ++i)
    if (!AddWeight(bytes[static_cast<int>(i)], sums[i])) return false;
  return true;
}

absl::Status CheckUnseen(size_t labels) {
  if (labels <= kMaxUnseen) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, "TOO_MANY_LABELS",
      absl::StrCat("the rows have more than ", kMaxUnseen,
                   " labels that the model has not learned; is it the right "
                   "target?"));
}

int64_t SumOf(const std::vector<int64_t>& counts) {
  int64_t sum = 0;
  for (const int64_t count : counts) sum += count;
  return sum;
}

}  // namespace

ClassMetrics::ClassMetrics(std::vector<double> shares, bool binary,
                           bool weighted)
    : shares_(std::move(shares)),
      binary_(binary),
      weighted_(weighted),
      labels_(shares_.size()),
      confusion_(labels_ * labels_, 0) {
  if (weighted_)
    for (std::vector<ExactSum>* sums : {&hits_, &predicted_, &actual_})
      sums->resize(labels_);
  if (labels_ > kMaxRocLabels) return;
  const size_t curves = binary_ ? 1 : labels_;
  scores_.assign(curves,
                 RocCounts((weighted_ ? kMaxWeightedScores : kMaxScores) /
                               static_cast<int64_t>(curves),
                           weighted_));
}

absl::Status ClassMetrics::Add(const LabelledRows& rows) {
  for (size_t i = 0; i < rows.truth.size(); ++i) {
    const int truth = rows.truth[i];
    const auto predicted = static_cast<size_t>(rows.predicted[i]);
    const double weight = weighted_ ? rows.weights[i] : 1;
    const double both[] = {1 - rows.scores[binary_ ? i : 0],
                           rows.scores[binary_ ? i : 0]};
    log_loss_.AddProduct(
        weight,
        LogLoss(binary_ ? both : &rows.scores[i * labels_], labels_, truth));
    if (weighted_) predicted_[predicted].Add(weight);
    if (truth < 0) {
      Unseen& unseen = unseen_[rows.unseen.at(i)];
      unseen.predicted.resize(labels_);
      ++unseen.predicted[predicted];
      if (weighted_) unseen.weight.Add(weight);
      continue;
    }
    const auto label = static_cast<size_t>(truth);
    ++confusion_[label * labels_ + predicted];
    if (!weighted_) continue;
    actual_[label].Add(weight);
    if (label == predicted) hits_[label].Add(weight);
  }
  AddScores(rows);
  return CheckUnseen(unseen_.size());
}

void ClassMetrics::AddScores(const LabelledRows& rows) {
  for (size_t curve = 0; curve < scores_.size(); ++curve) {
    const int label = binary_ ? 1 : static_cast<int>(curve);
    std::vector<ScoredRow> scored;
    scored.reserve(rows.truth.size());
    for (size_t i = 0; i < rows.truth.size(); ++i)
      scored.push_back({rows.scores[binary_ ? i : i * labels_ + curve],
                        rows.truth[i] == label,
                        weighted_ ? rows.weights[i] : 1});
    scores_[curve].Add(std::move(scored));
  }
}

absl::Status ClassMetrics::Merge(const pb::EvaluationPartial& partial) {
  if (!partial.has_classes()) return BadClassSums();
  const pb::ClassSums& sums = partial.classes();
  ClassMetrics merged = *this;
  ExactSum losses;
  if (static_cast<size_t>(sums.classes()) != labels_ ||
      static_cast<size_t>(sums.confusion_size()) != confusion_.size() ||
      static_cast<size_t>(sums.scores_size()) != scores_.size() ||
      sums.weighted() != weighted_ ||
      !ExactSum::FromBytes(sums.log_loss(), &losses) || losses.negative() ||
      std::isnan(losses.Rounded()) || !AddWeights(sums.hits(), merged.hits_) ||
      !AddWeights(sums.predicted(), merged.predicted_) ||
      !AddWeights(sums.actual(), merged.actual_))
    return BadClassSums();
  merged.log_loss_.Add(losses);
  // Each takes a hundred times the memory of its bytes.
  RETURN_IF_ERROR(CheckUnseen(static_cast<size_t>(sums.unseen_size())));
  int64_t rows = SumOf(confusion_);
  for (const auto& [name, unseen] : unseen_) rows += SumOf(unseen.predicted);
  const auto add = [&rows](int64_t count, int64_t& sum) {
    if (count < 0 || count > (int64_t{1} << 53) - rows) return false;
    rows += count;
    sum += count;
    return true;
  };
  for (size_t i = 0; i < confusion_.size(); ++i)
    if (!add(sums.confusion(static_cast<int>(i)), merged.confusion_[i]))
      return BadClassSums();
  for (const pb::UnseenLabel& label : sums.unseen()) {
    Unseen& unseen = merged.unseen_[label.name()];
    unseen.predicted.resize(labels_);
    if (static_cast<size_t>(label.predicted_size()) != labels_ ||
        !AddWeight(label.weight(), unseen.weight))
      return BadClassSums();
    for (size_t i = 0; i < labels_; ++i)
      if (!add(label.predicted(static_cast<int>(i)), unseen.predicted[i]))
        return BadClassSums();
  }
  RETURN_IF_ERROR(CheckUnseen(merged.unseen_.size()));
  for (size_t i = 0; i < scores_.size(); ++i) {
    ASSIGN_OR_RETURN(
        const RocCounts counts,
        RocCounts::FromProto(sums.scores(static_cast<int>(i)),
                             (weighted_ ? kMaxWeightedScores : kMaxScores) /
                                 static_cast<int64_t>(scores_.size()),
                             weighted_));
    merged.scores_[i].Merge(counts);
    if (!weighted_ && merged.scores_[i].weight() != static_cast<double>(rows))
      return BadClassSums();
  }
  confusion_.swap(merged.confusion_);
  unseen_.swap(merged.unseen_);
  hits_.swap(merged.hits_);
  predicted_.swap(merged.predicted_);
  actual_.swap(merged.actual_);
  log_loss_ = merged.log_loss_;
  scores_.swap(merged.scores_);
  return absl::OkStatus();
}

pb::EvaluationPartial ClassMetrics::ToProto() const {
  pb::EvaluationPartial partial;
  pb::ClassSums& sums = *partial.mutable_classes();
  sums.set_classes(static_cast<int32_t>(labels_));
  *sums.mutable_confusion() = {confusion_.begin(), confusion_.end()};
  sums.set_log_loss(log_loss_.ToBytes());
  for (const RocCounts& counts : scores_) *sums.add_scores() = counts.ToProto();
  for (const auto& [name, unseen] : unseen_) {
    pb::UnseenLabel& label = *sums.add_unseen();
    label.set_name(name);
    *label.mutable_predicted() = {unseen.predicted.begin(),
                                  unseen.predicted.end()};
    label.set_weight(unseen.weight.ToBytes());
  }
  sums.set_weighted(weighted_);
  WriteSums(hits_, sums.mutable_hits());
  WriteSums(predicted_, sums.mutable_predicted());
  WriteSums(actual_, sums.mutable_actual());
  return partial;
}

std::map<std::string, int64_t> ClassMetrics::UnseenRows() const {
  std::map<std::string, int64_t> rows;
  for (const auto& [name, unseen] : unseen_)
    rows[name] = SumOf(unseen.predicted);
  return rows;
}

ClassMetrics::Counts ClassMetrics::Count() const {
  Counts counts{std::vector<double>(labels_),
                std::vector<double>(labels_),
                std::vector<double>(labels_),
                {},
                0};
  for (const auto& [name, unseen] : unseen_) {
    counts.unseen.push_back(weighted_
                                ? static_cast<double>(unseen.weight.Rounded())
                                : static_cast<double>(SumOf(unseen.predicted)));
    for (size_t p = 0; p < labels_; ++p)
      counts.predicted[p] += static_cast<double>(unseen.predicted[p]);
  }
  for (size_t t = 0; t < labels_; ++t) {
    for (size_t p = 0; p < labels_; ++p) {
      const auto rows = static_cast<double>(confusion_[t * labels_ + p]);
      if (t == p) counts.hits[t] = rows;
      counts.actual[t] += rows;
      counts.predicted[p] += rows;
    }
  }
  for (size_t i = 0; weighted_ && i < labels_; ++i) {
    counts.hits[i] = static_cast<double>(hits_[i].Rounded());
    counts.predicted[i] = static_cast<double>(predicted_[i].Rounded());
    counts.actual[i] = static_cast<double>(actual_[i].Rounded());
  }
  for (const double actual : counts.actual) counts.all += actual;
  for (const double unseen : counts.unseen) counts.all += unseen;
  return counts;
}

double ClassMetrics::F1Of(const Counts& counts) const {
  if (counts.all == 0) return kNaN;
  if (binary_) return F1(counts.hits[1], counts.predicted[1], counts.actual[1]);
  double total = 0;
  int present = 0;
  for (size_t i = 0; i < labels_; ++i) {
    if (counts.predicted[i] + counts.actual[i] == 0) continue;
    total += F1(counts.hits[i], counts.predicted[i], counts.actual[i]);
    ++present;
  }
  // No prediction hits a label that was not learned.
  present += static_cast<int>(counts.unseen.size());
  return total / present;
}

AreaUnderCurve ClassMetrics::MeanArea() const {
  AreaUnderCurve mean;
  // The scores of a label that was not learned are all 0: an area of one half.
  const size_t unseen = binary_ ? 0 : unseen_.size();
  const auto curves = static_cast<double>(scores_.size() + unseen);
  mean.value = 0.5 * static_cast<double>(unseen) / curves;
  for (const RocCounts& counts : scores_) {
    const AreaUnderCurve area = counts.Area();
    mean.value += area.value / curves;
    mean.error_bound += area.error_bound / curves;
  }
  return mean;
}

pb::Evaluation ClassMetrics::Report() const {
  pb::Evaluation evaluation;
  const Counts counts = Count();
  int64_t rows = SumOf(confusion_);
  // Nobody predicts a label that was not learned: columns of zeros.
  const size_t width = labels_ + unseen_.size();
  evaluation.mutable_confusion()->Resize(static_cast<int>(width * width), 0);
  const auto copy = [&](size_t row, const int64_t* predicted) {
    for (size_t i = 0; i < labels_; ++i)
      evaluation.set_confusion(static_cast<int>(row * width + i), predicted[i]);
  };
  for (size_t t = 0; t < labels_; ++t) copy(t, &confusion_[t * labels_]);
  size_t row = labels_;
  for (const auto& [name, unseen] : unseen_) {
    evaluation.add_labels(name);
    copy(row++, unseen.predicted.data());
    rows += SumOf(unseen.predicted);
  }
  evaluation.set_rows(rows);
  evaluation.set_weighted(weighted_);

  double hits = 0;
  for (const double hit : counts.hits) hits += hit;
  auto* const metrics = evaluation.mutable_metrics();
  AddMetric("accuracy", {hits / counts.all}, metrics);
  AddMetric("log_loss", {static_cast<double>(log_loss_.Rounded() / counts.all)},
            metrics);
  if (!scores_.empty()) AddMetric("roc_auc", MeanArea(), metrics);
  AddMetric("f1", {F1Of(counts)}, metrics);

  // The baseline predicts the label with the largest share for every row.
  const auto majority = static_cast<size_t>(
      std::max_element(shares_.begin(), shares_.end()) - shares_.begin());
  Counts constant = counts;
  std::fill(constant.hits.begin(), constant.hits.end(), 0.0);
  std::fill(constant.predicted.begin(), constant.predicted.end(), 0.0);
  constant.hits[majority] = counts.actual[majority];
  constant.predicted[majority] = counts.all;
  double loss = 0;
  for (size_t i = 0; i < labels_; ++i)
    if (counts.actual[i] > 0)
      loss += counts.actual[i] *
              LogLoss(shares_.data(), labels_, static_cast<int>(i));
  for (const double unseen : counts.unseen)
    loss += unseen * LogLoss(shares_.data(), labels_, -1);
  auto* const baseline = evaluation.mutable_baseline();
  AddMetric("accuracy", {constant.hits[majority] / counts.all}, baseline);
  AddMetric("log_loss", {loss / counts.all}, baseline);
  if (!scores_.empty())
    AddMetric("roc_auc", {std::isnan(MeanArea().value) ? kNaN : 0.5}, baseline);
  AddMetric("f1", {F1Of(constant)}, baseline);
  return evaluation;
}

}  // namespace troupe::model
