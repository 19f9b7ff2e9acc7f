#include <cmath>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/preprocessor/category_key.h"
#include "services/preprocessor/numeric_column.h"
#include "services/preprocessor/transforms/filled_column.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

using Value = google::protobuf::Value;

class Impute : public Transform {
 public:
  explicit Impute(const pb::Impute& spec) : spec_(spec) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  absl::Status CheckOptions(absl::string_view path) const override;
  absl::Status CheckColumn(const Field& column,
                           absl::string_view path) const override;
  Needs NeedsOf(const Field& column) const override;
  Outputs Foresee(const Field& column) const override;
  absl::StatusOr<pb::FittedColumn> Fit(
      const Field& column, const Summary& summary, absl::string_view path,
      std::vector<std::string>& warnings) const override;
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn& fitted) const override;

 private:
  bool constant() const { return spec_.strategy() == pb::Impute::CONSTANT; }
  bool IsFilledWithFraction() const {
    return spec_.fill_value().kind_case() == Value::kNumberValue &&
           (spec_.fill_value().number_value() !=
                std::floor(spec_.fill_value().number_value()) ||
            std::fabs(spec_.fill_value().number_value()) >= 0x1p63);
  }
  // INT64 becomes FLOAT64 where the filling may be a fraction.
  Field OutputOf(const Field& column) const {
    const bool fraction = spec_.strategy() == pb::Impute::MEAN ||
                          spec_.strategy() == pb::Impute::MEDIAN ||
                          (constant() && IsFilledWithFraction());
    return {column.name,
            column.type == pb::INT64 && fraction ? pb::FLOAT64 : column.type,
            column.role};
  }
  std::string ConstantKey(DataType type) const;

  const pb::Impute spec_;
};

absl::Status Impute::CheckOptions(absl::string_view path) const {
  if (spec_.strategy() < pb::Impute::MEAN ||
      spec_.strategy() > pb::Impute::CONSTANT)
    return BadSpec(absl::StrCat(path, ".strategy"),
                   "say mean, median, most_frequent or constant");
  const std::string field = absl::StrCat(path, ".fill_value");
  if (!spec_.has_fill_value()) return absl::OkStatus();
  if (!constant()) return BadSpec(field, "is for strategy: constant only");
  switch (spec_.fill_value().kind_case()) {
    case Value::kNumberValue:
      if (!std::isfinite(spec_.fill_value().number_value()))
        return BadSpec(field, "must be finite");
      return absl::OkStatus();
    case Value::kStringValue:
    case Value::kBoolValue:
      return absl::OkStatus();
    default:
      return BadSpec(field, "must be a number, a bool or a string");
  }
}

absl::Status Impute::CheckColumn(const Field& column,
                                 absl::string_view path) const {
  if (!constant()) {
    if (spec_.strategy() == pb::Impute::MOST_FREQUENT || IsNumber(column.type))
      return absl::OkStatus();
    return BadSpec(
        absl::StrCat(path, ".strategy"),
        absl::StrCat("column \"", column.name, "\" is ", TypeName(column.type),
                     ", which has no mean or median; use most_frequent or "
                     "constant, or select {type: number}"));
  }
  if (!spec_.has_fill_value()) return absl::OkStatus();
  const auto kind = spec_.fill_value().kind_case();
  const bool fits = column.type == pb::STRING ? kind == Value::kStringValue
                    : column.type == pb::BOOL ? kind == Value::kBoolValue
                                              : kind == Value::kNumberValue;
  if (fits) return absl::OkStatus();
  return BadSpec(absl::StrCat(path, ".fill_value"),
                 absl::StrCat("does not fit column \"", column.name,
                              "\", which is ", TypeName(column.type)));
}

Needs Impute::NeedsOf(const Field&) const {
  Needs needs;
  needs.missing = !constant() || spec_.indicator();
  needs.moments = spec_.strategy() == pb::Impute::MEAN;
  needs.median = spec_.strategy() == pb::Impute::MEDIAN;
  needs.categories = spec_.strategy() == pb::Impute::MOST_FREQUENT;
  return needs;
}

Outputs Impute::Foresee(const Field& column) const {
  Outputs outputs;
  outputs.in_place = {OutputOf(column)};
  if (spec_.indicator()) {
    outputs.at_end = IndicatorOf(column);
    outputs.at_end_unknown = true;
  }
  return outputs;
}

std::string Impute::ConstantKey(DataType type) const {
  const Value& value = spec_.fill_value();
  switch (type) {
    case pb::BOOL:
      return KeyOfBool(value.bool_value());
    case pb::INT64:
      return KeyOfInt64(static_cast<int64_t>(value.number_value()));
    case pb::FLOAT64:
      return KeyOfDouble(value.number_value());
    default:
      return spec_.has_fill_value() ? value.string_value() : "missing_value";
  }
}

absl::StatusOr<pb::FittedColumn> Impute::Fit(const Field& column,
                                             const Summary& summary,
                                             absl::string_view path,
                                             std::vector<std::string>&) const {
  if (summary.present() == 0 && !constant())
    return WithMetadata(
        MakeError(
            absl::StatusCode::kInvalidArgument, "ALL_MISSING",
            absl::StrCat(path, ": column \"", column.name,
                         "\" has no value in the training rows; drop it, or "
                         "impute it with strategy: constant"),
            {{"column", column.name}}),
        "field", absl::StrCat(path, ".columns"));
  pb::FittedColumn fitted;
  pb::Fill* fill = fitted.mutable_fill();
  fill->set_indicator(spec_.indicator() && summary.missing > 0);
  switch (spec_.strategy()) {
    case pb::Impute::MEAN:
      fill->set_value(KeyOfDouble(summary.mean));
      break;
    case pb::Impute::MEDIAN:
      fill->set_value(KeyOfDouble(summary.median));
      break;
    case pb::Impute::MOST_FREQUENT: {
      // Keys rise, and of equals the first is kept: the smallest.
      const auto most = std::max_element(summary.category_counts.begin(),
                                         summary.category_counts.end());
      fill->set_value(summary.category_keys[static_cast<size_t>(
          most - summary.category_counts.begin())]);
      break;
    }
    default:
      fill->set_value(ConstantKey(OutputOf(column).type));
  }
  return fitted;
}

absl::StatusOr<std::unique_ptr<const ColumnTransform>> Impute::Bind(
    const Field& column, const pb::FittedColumn& fitted) const {
  const Field output = OutputOf(column);
  pb::Fill fill = fitted.fill();
  if (!fitted.has_fill() && !NeedsOf(column).any())
    fill.set_value(ConstantKey(output.type));
  if (!ValidKey(output.type, fill.value()))
    return ArtifactCorrupt(
        absl::StrCat("no fill value for column \"", column.name, "\""));
  return std::make_unique<const FilledColumn>(column, output, fill.value(),
                                              fill.indicator());
}

}  // namespace

std::unique_ptr<const Transform> MakeImpute(const pb::Step& step) {
  return std::make_unique<Impute>(step.impute());
}

}  // namespace troupe::preprocessor
