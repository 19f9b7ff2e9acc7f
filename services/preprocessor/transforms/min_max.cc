#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/preprocessor/transforms/scaling.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

class MinMax : public Transform {
 public:
  explicit MinMax(const pb::MinMax& spec)
      : spec_(spec),
        low_(spec.has_min() ? spec.min() : 0),
        high_(spec.has_max() ? spec.max() : 1) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  bool may_overflow() const override { return true; }
  absl::Status CheckOptions(absl::string_view path) const override {
    if (!std::isfinite(low_))
      return BadSpec(absl::StrCat(path, ".min"), "min must be a number");
    if (!std::isfinite(high_))
      return BadSpec(absl::StrCat(path, ".max"), "max must be a number");
    if (std::isinf(high_ - low_))
      return BadSpec(absl::StrCat(path, ".max"), "is too far from min");
    if (low_ < high_) return absl::OkStatus();
    return BadSpec(
        absl::StrCat(path, spec_.has_min() ? ".min" : ".max"),
        absl::StrCat("min (", low_, ") must be below max (", high_, ")"));
  }
  absl::Status CheckColumn(const Field& column,
                           absl::string_view path) const override {
    return CheckScalable(column, path);
  }
  Needs NeedsOf(const Field&) const override {
    Needs needs;
    needs.range = true;
    return needs;
  }
  Outputs Foresee(const Field& column) const override {
    return ScaledOutputs(column);
  }

  absl::StatusOr<pb::FittedColumn> Fit(
      const Field& column, const Summary& summary, absl::string_view path,
      std::vector<std::string>& warnings) const override {
    double range = summary.max - summary.min;
    const bool constant = range < 10 * std::numeric_limits<double>::epsilon();
    WarnOfColumn(column, summary, constant, path, warnings);
    if (std::isinf(range))
      return BadSpec(absl::StrCat(path, ".columns"),
                     absl::StrCat("column \"", column.name,
                                  "\" has too wide a range to be scaled"));
    if (constant) range = 1;
    pb::FittedColumn fitted;
    pb::Scaling* scaling = fitted.mutable_scaling();
    scaling->set_scale((high_ - low_) / range);
    scaling->set_center(low_ - summary.min * scaling->scale());
    if (std::isinf(scaling->scale()) || std::isinf(scaling->center()))
      return BadSpec(
          absl::StrCat(path, ".columns"),
          absl::StrCat("column \"", column.name,
                       "\" has values too large to be scaled to this range"));
    return fitted;
  }

  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn& fitted) const override {
    RETURN_IF_ERROR(CheckScaling(column, fitted));
    const double scale = fitted.scaling().scale();
    const double center = fitted.scaling().center();
    if (!spec_.clip())
      return MakeScaled(
          column, [scale, center](double x) { return x * scale + center; });
    return MakeScaled(column,
                      [scale, center, low = low_, high = high_](double x) {
                        const double y = x * scale + center;
                        // Written so that NaN stays NaN.
                        return y < low ? low : y > high ? high : y;
                      });
  }

 private:
  const pb::MinMax spec_;
  const double low_;
  const double high_;
};

}  // namespace

std::unique_ptr<const Transform> MakeMinMax(const pb::Step& step) {
  return std::make_unique<MinMax>(step.min_max());
}

}  // namespace troupe::preprocessor
