#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/preprocessor/transforms/normal_quantile.h"
#include "services/preprocessor/transforms/scaling.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

class Robust : public Transform {
 public:
  explicit Robust(const pb::Robust& spec)
      : spec_(spec),
        low_(spec.has_quantile_low() ? spec.quantile_low() : 25),
        high_(spec.has_quantile_high() ? spec.quantile_high() : 75) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  bool may_overflow() const override { return true; }
  absl::Status CheckOptions(absl::string_view path) const override {
    if (!(low_ >= 0 && low_ <= 100))
      return BadSpec(absl::StrCat(path, ".quantile_low"),
                     "a percentage is 0 to 100");
    if (!(high_ >= 0 && high_ <= 100))
      return BadSpec(absl::StrCat(path, ".quantile_high"),
                     "a percentage is 0 to 100");
    if (low_ >= high_)
      return BadSpec(
          absl::StrCat(path, spec_.has_quantile_low() ? ".quantile_low"
                                                      : ".quantile_high"),
          absl::StrCat("quantile_low (", low_,
                       ") must be below quantile_high (", high_, ")"));
    if (spec_.unit_variance() && (low_ == 0 || high_ == 100))
      return BadSpec(absl::StrCat(path, ".unit_variance"),
                     "needs quantiles above 0 and below 100");
    return absl::OkStatus();
  }
  absl::Status CheckColumn(const Field& column,
                           absl::string_view path) const override {
    return CheckScalable(column, path);
  }
  Needs NeedsOf(const Field&) const override {
    Needs needs;
    needs.median = true;
    needs.quantiles = {low_ / 100, high_ / 100};
    return needs;
  }
  Outputs Foresee(const Field& column) const override {
    return ScaledOutputs(column);
  }

  absl::StatusOr<pb::FittedColumn> Fit(
      const Field& column, const Summary& summary, absl::string_view path,
      std::vector<std::string>& warnings) const override {
    double scale = summary.quantiles[1] - summary.quantiles[0];
    const bool constant = scale < 10 * std::numeric_limits<double>::epsilon();
    WarnOfColumn(column, summary, constant, path, warnings);
    if (constant) scale = 1;
    if (spec_.unit_variance())
      scale /= NormalQuantile(high_ / 100) - NormalQuantile(low_ / 100);
    if (std::isinf(scale))
      return BadSpec(absl::StrCat(path, ".columns"),
                     absl::StrCat("column \"", column.name,
                                  "\" has too wide a range to be scaled"));
    pb::FittedColumn fitted;
    const bool center = !spec_.has_with_centering() || spec_.with_centering();
    const bool divide = !spec_.has_with_scaling() || spec_.with_scaling();
    fitted.mutable_scaling()->set_center(center ? summary.median : 0);
    fitted.mutable_scaling()->set_scale(divide ? scale : 1);
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
  const pb::Robust spec_;
  const double low_;
  const double high_;
};

}  // namespace

std::unique_ptr<const Transform> MakeRobust(const pb::Step& step) {
  return std::make_unique<Robust>(step.robust());
}

}  // namespace troupe::preprocessor
