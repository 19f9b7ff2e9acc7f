#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/preprocessor/category_key.h"
#include "services/preprocessor/numeric_column.h"
#include "services/preprocessor/transforms/one_hot_column.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

constexpr int32_t kMaxBins = 65'536;
// Quantile bins that are no wider are removed (scikit-learn).
constexpr double kNarrow = 1e-8;

void RejectMissing(const Field& field, const Column& column,
                   RowRejects& rejects) {
  if (column.null_count() == 0) return;
  for (int64_t row = 0; row < column.rows(); ++row)
    if (column.IsNull(row))
      rejects.Add(row, "MISSING_VALUE", field.name,
                  "a missing value has no bin; impute it first");
}

class BinnedColumn : public ColumnTransform {
 public:
  BinnedColumn(Field column, std::vector<double> edges, bool one_hot)
      : column_(std::move(column)),
        edges_(std::move(edges)),
        one_hot_(one_hot) {}

  Outputs outputs() const override {
    if (!one_hot_) {
      Outputs outputs;
      outputs.in_place = {{column_.name, pb::FLOAT64, column_.role}};
      return outputs;
    }
    std::vector<std::string> suffixes;
    for (size_t bin = 0; bin <= edges_.size(); ++bin)
      suffixes.push_back(PythonFloat(static_cast<double>(bin)));
    return OneHotOutputs(column_, suffixes);
  }

  std::vector<Column> Apply(Column column, RowRejects& rejects) const override {
    RejectMissing(column_, column, rejects);
    const auto bin_of = [this](double x) {
      return std::upper_bound(edges_.begin(), edges_.end(), x) - edges_.begin();
    };
    if (!one_hot_) {
      std::vector<Column> made;
      made.push_back(MapDoubles(std::move(column), [&](double x) {
        return std::isnan(x) ? x : static_cast<double>(bin_of(x));
      }));
      return made;
    }
    column = ToDoubles(std::move(column));
    std::vector<int32_t> numbers;
    numbers.reserve(static_cast<size_t>(column.rows()));
    for (const double x : column.doubles())
      numbers.push_back(std::isnan(x) ? -1 : static_cast<int32_t>(bin_of(x)));
    return OneHotColumns(numbers, edges_.size() + 1);
  }

 private:
  const Field column_;
  const std::vector<double> edges_;  // Between the bins.
  const bool one_hot_;
};

class Bucketize : public Transform {
 public:
  explicit Bucketize(const pb::Bucketize& spec)
      : spec_(spec),
        bins_(spec.has_bins() ? spec.bins() : 5),
        uniform_(spec.strategy() == pb::Bucketize::UNIFORM),
        one_hot_(spec.encode() == pb::Bucketize::ONE_HOT_CODE) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  bool may_reject(const Field&) const override { return true; }
  absl::Status CheckOptions(absl::string_view path) const override;
  absl::Status CheckColumn(const Field& column,
                           absl::string_view path) const override;
  Needs NeedsOf(const Field& column) const override;
  Outputs Foresee(const Field& column) const override;
  void RejectRows(const Field& field, const Column& column,
                  RowRejects& rejects) const override {
    RejectMissing(field, column, rejects);
  }
  absl::StatusOr<pb::FittedColumn> Fit(
      const Field& column, const Summary& summary, absl::string_view path,
      std::vector<std::string>& warnings) const override;
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn& fitted) const override;

 private:
  std::vector<double> EdgesOf(const Summary& summary) const;

  const pb::Bucketize spec_;
  const int32_t bins_;
  const bool uniform_;
  const bool one_hot_;
};

absl::Status Bucketize::CheckOptions(absl::string_view path) const {
  if (bins_ < 2 || bins_ > kMaxBins)
    return BadSpec(absl::StrCat(path, ".bins"),
                   absl::StrCat("must be 2 to ", kMaxBins));
  if (spec_.strategy() < 0 || spec_.strategy() > pb::Bucketize::QUANTILE)
    return BadSpec(absl::StrCat(path, ".strategy"), "say uniform or quantile");
  if (spec_.encode() < 0 || spec_.encode() > pb::Bucketize::ONE_HOT_CODE)
    return BadSpec(absl::StrCat(path, ".encode"), "say ordinal or one_hot");
  return absl::OkStatus();
}

absl::Status Bucketize::CheckColumn(const Field& column,
                                    absl::string_view path) const {
  if (IsNumber(column.type)) return absl::OkStatus();
  return BadSpec(
      absl::StrCat(path, ".columns"),
      absl::StrCat("column \"", column.name, "\" is ", TypeName(column.type),
                   ", and bucketize works on numbers"));
}

Needs Bucketize::NeedsOf(const Field&) const {
  Needs needs;
  needs.range = true;
  if (uniform_) return needs;
  // As numpy computes linspace(0, 100, bins + 1) / 100.
  const double step = 100.0 / bins_;
  for (int32_t i = 0; i < bins_; ++i) needs.quantiles.push_back(i * step / 100);
  needs.quantiles.push_back(1);
  return needs;
}

Outputs Bucketize::Foresee(const Field& column) const {
  Outputs outputs;
  if (one_hot_) {
    outputs.unknown_prefix = absl::StrCat(column.name, "_");
  } else {
    outputs.in_place = {{column.name, pb::FLOAT64, column.role}};
  }
  return outputs;
}

// All edges, the outer ones included.
std::vector<double> Bucketize::EdgesOf(const Summary& summary) const {
  std::vector<double> edges;
  if (uniform_) {
    const double step = (summary.max - summary.min) / bins_;
    for (int32_t i = 0; i < bins_; ++i) edges.push_back(i * step + summary.min);
    edges.push_back(summary.max);
    return edges;
  }
  const std::vector<double>& quantiles = summary.quantiles;
  for (size_t i = 0; i < quantiles.size(); ++i)
    if (i == 0 || quantiles[i] - quantiles[i - 1] > kNarrow)
      edges.push_back(quantiles[i]);
  return edges;
}

absl::StatusOr<pb::FittedColumn> Bucketize::Fit(
    const Field& column, const Summary& summary, absl::string_view path,
    std::vector<std::string>& warnings) const {
  if (std::isinf(summary.max - summary.min))
    return BadSpec(absl::StrCat(path, ".columns"),
                   absl::StrCat("column \"", column.name,
                                "\" has too wide a range for bins"));
  pb::FittedColumn fitted;
  pb::Edges* inner = fitted.mutable_edges();
  if (summary.min == summary.max) {
    warnings.push_back(absl::StrCat(path, ": column \"", column.name,
                                    "\" was constant while fitting: one bin"));
    return fitted;
  }
  const std::vector<double> edges = EdgesOf(summary);
  for (size_t i = 1; i + 1 < edges.size(); ++i) inner->add_inner(edges[i]);
  if (inner->inner_size() + 1 < bins_)
    warnings.push_back(absl::StrCat(
        path, ": column \"", column.name, "\" got ", inner->inner_size() + 1,
        " of ", bins_, " bins: the others would be at most 1e-8 wide"));
  return fitted;
}

absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bucketize::Bind(
    const Field& column, const pb::FittedColumn& fitted) const {
  const auto& inner = fitted.edges().inner();
  bool good = fitted.has_edges() && inner.size() < kMaxBins;
  for (int i = 0; good && i < inner.size(); ++i)
    good = std::isfinite(inner[i]) && (i == 0 || inner[i - 1] <= inner[i]);
  if (!good)
    return ArtifactCorrupt(
        absl::StrCat("no edges for column \"", column.name, "\""));
  if (one_hot_)
    RETURN_IF_ERROR(
        CheckOutputNames(column, static_cast<size_t>(inner.size()) + 1));
  return std::make_unique<const BinnedColumn>(
      column, std::vector<double>(inner.begin(), inner.end()), one_hot_);
}

}  // namespace

std::unique_ptr<const Transform> MakeBucketize(const pb::Step& step) {
  return std::make_unique<Bucketize>(step.bucketize());
}

}  // namespace troupe::preprocessor
