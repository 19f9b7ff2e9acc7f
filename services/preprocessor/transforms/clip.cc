#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/preprocessor/numeric_column.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

// Whether a limit can be one of int64 values.
bool IsWhole(double limit) {
  return limit == std::floor(limit) && std::fabs(limit) < 0x1p53;
}

template <typename T>
T Limited(T value, T low, T high) {
  // Written so that NaN stays NaN.
  return value < low ? low : value > high ? high : value;
}

class ClippedColumn : public ColumnTransform {
 public:
  ClippedColumn(Field output, double low, double high)
      : output_(std::move(output)), low_(low), high_(high) {}

  Outputs outputs() const override {
    Outputs outputs;
    outputs.in_place = {output_};
    return outputs;
  }
  std::vector<Column> Apply(Column column, RowRejects&) const override {
    std::vector<Column> made;
    if (output_.type == pb::INT64) {
      made.push_back(ClipInt64s(std::move(column)));
    } else {
      made.push_back(
          MapDoubles(std::move(column), [low = low_, high = high_](double x) {
            return Limited(x, low, high);
          }));
    }
    return made;
  }

 private:
  Column ClipInt64s(Column column) const {
    const int64_t rows = column.rows();
    const int64_t low = std::isinf(low_) ? std::numeric_limits<int64_t>::min()
                                         : static_cast<int64_t>(low_);
    const int64_t high = std::isinf(high_) ? std::numeric_limits<int64_t>::max()
                                           : static_cast<int64_t>(high_);
    const int64_t null_count = column.null_count();
    std::string buffer = column.TakeValues();
    auto* const values = reinterpret_cast<int64_t*>(buffer.data());
    for (int64_t i = 0; i < rows; ++i)
      values[i] = Limited(values[i], low, high);
    return Column::FromBuffers(pb::INT64, rows, null_count,
                               column.TakeValidity(), "", std::move(buffer));
  }

  const Field output_;
  const double low_;
  const double high_;
};

// INT64 stays INT64 where the limits are whole numbers.
class Clip : public Transform {
 public:
  explicit Clip(const pb::Clip& spec)
      : spec_(spec),
        low_(spec.has_min() ? spec.min()
                            : -std::numeric_limits<double>::infinity()),
        high_(spec.has_max() ? spec.max()
                             : std::numeric_limits<double>::infinity()) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  absl::Status CheckOptions(absl::string_view path) const override {
    if (!spec_.has_min() && !spec_.has_max())
      return BadSpec(path, "give min, max or both");
    if (low_ <= high_) return absl::OkStatus();
    return BadSpec(
        absl::StrCat(path, spec_.has_min() ? ".min" : ".max"),
        absl::StrCat("min (", low_, ") must not be above max (", high_, ")"));
  }
  absl::Status CheckColumn(const Field& column,
                           absl::string_view path) const override {
    if (IsNumber(column.type)) return absl::OkStatus();
    return BadSpec(
        absl::StrCat(path, ".columns"),
        absl::StrCat("column \"", column.name, "\" is ", TypeName(column.type),
                     ", and clip works on numbers"));
  }
  Outputs Foresee(const Field& column) const override {
    Outputs outputs;
    outputs.in_place = {OutputOf(column)};
    return outputs;
  }
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn&) const override {
    return std::make_unique<const ClippedColumn>(OutputOf(column), low_, high_);
  }

 private:
  Field OutputOf(const Field& column) const {
    const bool whole = (!spec_.has_min() || IsWhole(low_)) &&
                       (!spec_.has_max() || IsWhole(high_));
    return {column.name,
            column.type == pb::INT64 && whole ? pb::INT64 : pb::FLOAT64,
            column.role};
  }

  const pb::Clip spec_;
  const double low_;
  const double high_;
};

}  // namespace

std::unique_ptr<const Transform> MakeClip(const pb::Step& step) {
  return std::make_unique<Clip>(step.clip());
}

}  // namespace troupe::preprocessor
