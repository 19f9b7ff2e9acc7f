#include "services/model/regression_metrics.h"

#include <cmath>
#include <limits>

#include "services/base/errors.h"

namespace troupe::model {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

absl::Status BadRegressionSums() {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_PARTIAL",
                   "malformed partial: regression sums");
}

double PoissonDeviance(double target, double prediction) {
  const double term = target == 0 ? 0 : target * std::log(target / prediction);
  return 2 * (term - target + prediction);
}

void AddError(double target, double prediction, bool counts,
              pb::ErrorSums& sums) {
  const double error = target - prediction;
  sums.set_squared(sums.squared() + error * error);
  sums.set_absolute(sums.absolute() + std::abs(error));
  if (counts)
    sums.set_poisson(sums.poisson() + PoissonDeviance(target, prediction));
}

void AddErrors(const pb::ErrorSums& from, pb::ErrorSums& to) {
  to.set_squared(to.squared() + from.squared());
  to.set_absolute(to.absolute() + from.absolute());
  to.set_poisson(to.poisson() + from.poisson());
}

void AddMetric(const char* name, double value,
               google::protobuf::RepeatedPtrField<pb::Metric>* metrics) {
  pb::Metric& metric = *metrics->Add();
  metric.set_name(name);
  metric.set_value(value);
}

}  // namespace

void RegressionMetrics::Add(const std::vector<double>& targets,
                            const std::vector<double>& predictions) {
  if (targets.empty()) return;
  pb::RegressionSums batch;
  const double rows = static_cast<double>(targets.size());
  batch.set_rows(static_cast<int64_t>(targets.size()));
  // Seen from the constant, which is near their mean, targets far from zero
  // keep their digits.
  double total = 0;
  for (const double target : targets) total += target - constant_;
  const double mean = total / rows;
  // Corrected two-pass: `drift` would be 0 without rounding.
  double squares = 0;
  double drift = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const double distance = targets[i] - constant_ - mean;
    squares += distance * distance;
    drift += distance;
    AddError(targets[i], predictions[i], counts_, *batch.mutable_model());
    AddError(targets[i], constant_, counts_, *batch.mutable_baseline());
  }
  batch.set_mean(mean);
  batch.set_squares(squares - drift * drift / rows);
  MergeSums(batch);
}

// Chan, Golub, LeVeque 1979: means and squares join without cancellation.
void RegressionMetrics::MergeSums(const pb::RegressionSums& sums) {
  if (sums.rows() == 0) return;
  const double here = static_cast<double>(sums_.rows());
  const double there = static_cast<double>(sums.rows());
  const double delta = sums.mean() - sums_.mean();
  const double all = here + there;
  sums_.set_rows(sums_.rows() + sums.rows());
  sums_.set_squares(sums_.squares() + sums.squares() +
                    delta * delta * here * there / all);
  sums_.set_mean(sums_.mean() + delta * there / all);
  AddErrors(sums.model(), *sums_.mutable_model());
  AddErrors(sums.baseline(), *sums_.mutable_baseline());
}

absl::Status RegressionMetrics::Merge(const pb::EvaluationPartial& partial) {
  if (!partial.has_regression()) return BadRegressionSums();
  const pb::RegressionSums& sums = partial.regression();
  constexpr int64_t kMostRows = int64_t{1} << 53;
  // Infinite sums are possible (a model may predict infinity); negative ones
  // and negative counts are not. Deviances are checked by nobody: rounding may
  // make them slightly negative.
  if (sums.rows() < 0 || sums.rows() > kMostRows - sums_.rows() ||
      sums.squares() < 0 || sums.model().squared() < 0 ||
      sums.model().absolute() < 0 || sums.baseline().squared() < 0 ||
      sums.baseline().absolute() < 0)
    return BadRegressionSums();
  MergeSums(sums);
  return absl::OkStatus();
}

pb::EvaluationPartial RegressionMetrics::ToProto() const {
  pb::EvaluationPartial partial;
  *partial.mutable_regression() = sums_;
  return partial;
}

void RegressionMetrics::AppendMetrics(
    const pb::ErrorSums& errors,
    google::protobuf::RepeatedPtrField<pb::Metric>* metrics) const {
  const double rows = static_cast<double>(sums_.rows());
  double r2 = 1 - errors.squared() / sums_.squares();
  // As scikit-learn has it for targets that do not vary.
  if (sums_.squares() == 0) r2 = errors.squared() == 0 ? 1 : 0;
  if (sums_.rows() < 2) r2 = kUndefined;
  AddMetric("rmse", std::sqrt(errors.squared() / rows), metrics);
  AddMetric("mae", errors.absolute() / rows, metrics);
  AddMetric("r2", r2, metrics);
  if (counts_) AddMetric("poisson_deviance", errors.poisson() / rows, metrics);
}

pb::Evaluation RegressionMetrics::Report() const {
  pb::Evaluation evaluation;
  evaluation.set_rows(sums_.rows());
  AppendMetrics(sums_.model(), evaluation.mutable_metrics());
  AppendMetrics(sums_.baseline(), evaluation.mutable_baseline());
  return evaluation;
}

}  // namespace troupe::model
