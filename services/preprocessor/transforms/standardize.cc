#include <cmath>
#include <limits>

#include "services/base/status_macros.h"
#include "services/preprocessor/transforms/scaling.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

// Whether a variance is no more than what rounding makes of a constant
// (scikit-learn's bound, from Chan, Golub and LeVeque). Squares of any double
// fit into a long double.
bool IsConstant(const Summary& summary) {
  constexpr long double kEpsilon = std::numeric_limits<double>::epsilon();
  const auto n = static_cast<long double>(summary.present());
  const long double shift = n * summary.mean * kEpsilon;
  const long double variance =
      static_cast<long double>(summary.deviation) * summary.deviation;
  return variance <= n * kEpsilon * variance + shift * shift;
}

class Standardize : public Transform {
 public:
  explicit Standardize(const pb::Standardize& spec) : spec_(spec) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  bool may_overflow() const override { return true; }
  absl::Status CheckColumn(const Field& column,
                           absl::string_view path) const override {
    return CheckScalable(column, path);
  }
  Needs NeedsOf(const Field&) const override {
    Needs needs;
    needs.moments = true;
    return needs;
  }
  Outputs Foresee(const Field& column) const override {
    return ScaledOutputs(column);
  }

  absl::StatusOr<pb::FittedColumn> Fit(
      const Field& column, const Summary& summary, absl::string_view path,
      std::vector<std::string>& warnings) const override {
    const bool constant = IsConstant(summary);
    WarnOfColumn(column, summary, constant, path, warnings);
    pb::FittedColumn fitted;
    pb::Scaling* scaling = fitted.mutable_scaling();
    const bool center = !spec_.has_with_mean() || spec_.with_mean();
    const bool scale = !spec_.has_with_std() || spec_.with_std();
    scaling->set_center(center ? summary.mean : 0);
    scaling->set_scale(scale && !constant ? summary.deviation : 1);
    return fitted;
  }

  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn& fitted) const override {
    RETURN_IF_ERROR(CheckScaling(column, fitted));
    return MakeScaled(column, [center = fitted.scaling().center(),
                               scale = fitted.scaling().scale()](double x) {
      return (x - center) / scale;
    });
  }

 private:
  const pb::Standardize spec_;
};

}  // namespace

std::unique_ptr<const Transform> MakeStandardize(const pb::Step& step) {
  return std::make_unique<Standardize>(step.standardize());
}

}  // namespace troupe::preprocessor
