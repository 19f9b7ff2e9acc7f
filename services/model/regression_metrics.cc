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

void AddMetric(const char* name, long double value,
               google::protobuf::RepeatedPtrField<pb::Metric>* metrics) {
  pb::Metric& metric = *metrics->Add();
  metric.set_name(name);
  metric.set_value(static_cast<double>(value));
}

}  // namespace

void RegressionMetrics::AddError(double target, double prediction,
                                 double weight, Errors& errors) const {
  const double error = target - prediction;
  errors.squared.AddProduct(weight, error, error);
  errors.absolute.AddProduct(weight, std::abs(error));
  if (counts_)
    errors.poisson.AddProduct(weight, PoissonDeviance(target, prediction));
}

void RegressionMetrics::Add(const std::vector<double>& targets,
                            const std::vector<double>& predictions,
                            const std::vector<double>& weights) {
  rows_ += static_cast<int64_t>(targets.size());
  if (!weighted_) targets_.Add(targets);
  for (size_t i = 0; i < targets.size(); ++i) {
    const double weight = weighted_ ? weights[i] : 1;
    if (weighted_) targets_.Add(targets[i], weight);
    AddError(targets[i], predictions[i], weight, model_);
    AddError(targets[i], constant_, weight, baseline_);
  }
}

pb::ErrorSums RegressionMetrics::ToProto(const Errors& errors) {
  pb::ErrorSums sums;
  sums.set_squared(errors.squared.ToBytes());
  sums.set_absolute(errors.absolute.ToBytes());
  sums.set_poisson(errors.poisson.ToBytes());
  return sums;
}

// Infinite sums are possible (a model may predict infinity); negative ones are
// not. Deviances are checked by nobody: rounding may make them slightly
// negative.
bool RegressionMetrics::FromProto(const pb::ErrorSums& sums, Errors* errors) {
  return ExactSum::FromBytes(sums.squared(), &errors->squared) &&
         ExactSum::FromBytes(sums.absolute(), &errors->absolute) &&
         ExactSum::FromBytes(sums.poisson(), &errors->poisson) &&
         !errors->squared.negative() && !errors->absolute.negative();
}

void RegressionMetrics::AddErrors(const Errors& from, Errors& to) {
  to.squared.Add(from.squared);
  to.absolute.Add(from.absolute);
  to.poisson.Add(from.poisson);
}

absl::Status RegressionMetrics::Merge(const pb::EvaluationPartial& partial) {
  if (!partial.has_regression()) return BadRegressionSums();
  const pb::RegressionSums& sums = partial.regression();
  constexpr int64_t kMostRows = int64_t{1} << 53;
  ExactMoments targets;
  Errors model;
  Errors baseline;
  if (sums.weighted() != weighted_ || sums.rows() < 0 ||
      sums.rows() > kMostRows - rows_ ||
      !ExactMoments::FromBytes(sums.targets(), &targets) ||
      !FromProto(sums.model(), &model) ||
      !FromProto(sums.baseline(), &baseline))
    return BadRegressionSums();
  rows_ += sums.rows();
  targets_.Add(targets);
  AddErrors(model, model_);
  AddErrors(baseline, baseline_);
  return absl::OkStatus();
}

pb::EvaluationPartial RegressionMetrics::ToProto() const {
  pb::EvaluationPartial partial;
  pb::RegressionSums& sums = *partial.mutable_regression();
  sums.set_rows(rows_);
  sums.set_weighted(weighted_);
  sums.set_targets(targets_.ToBytes());
  *sums.mutable_model() = ToProto(model_);
  *sums.mutable_baseline() = ToProto(baseline_);
  return partial;
}

void RegressionMetrics::AppendMetrics(
    const Errors& errors,
    google::protobuf::RepeatedPtrField<pb::Metric>* metrics) const {
  const long double weight = targets_.weight().Rounded();
  const long double squared = errors.squared.Rounded();
  const long double spread = targets_.squared_deviations();
  long double r2 = 1 - squared / spread;
  // As scikit-learn has it for targets that do not vary.
  if (spread == 0) r2 = squared == 0 ? 1 : 0;
  if (rows_ < 2) r2 = kUndefined;
  AddMetric("rmse", std::sqrt(squared / weight), metrics);
  AddMetric("mae", errors.absolute.Rounded() / weight, metrics);
  AddMetric("r2", r2, metrics);
  if (counts_)
    AddMetric("poisson_deviance", errors.poisson.Rounded() / weight, metrics);
}

pb::Evaluation RegressionMetrics::Report() const {
  pb::Evaluation evaluation;
  evaluation.set_rows(rows_);
  evaluation.set_weighted(weighted_);
  AppendMetrics(model_, evaluation.mutable_metrics());
  AppendMetrics(baseline_, evaluation.mutable_baseline());
  return evaluation;
}

}  // namespace troupe::model
