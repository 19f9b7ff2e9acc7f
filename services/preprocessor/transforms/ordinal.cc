#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/preprocessor/category_index.h"
#include "services/preprocessor/category_key.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

using Strings = std::vector<std::string>;

class NumberedColumn : public ColumnTransform {
 public:
  NumberedColumn(Field column, const Strings& keys, const pb::Ordinal& spec)
      : column_(std::move(column)),
        index_(column_.type, keys),
        reject_(spec.unknown() != pb::Ordinal::USE_VALUE),
        unknown_(spec.has_unknown_value() ? spec.unknown_value() : kMissing),
        missing_(spec.has_missing_value() ? spec.missing_value() : kMissing) {}

  Outputs outputs() const override {
    Outputs outputs;
    outputs.in_place = {{column_.name, pb::FLOAT64, column_.role}};
    return outputs;
  }
  std::vector<Column> Apply(Column column, RowRejects& rejects) const override {
    const std::vector<int32_t> numbers = index_.Lookup(column);
    std::vector<double> values(numbers.size());
    for (size_t row = 0; row < numbers.size(); ++row) {
      const auto at = static_cast<int64_t>(row);
      if (numbers[row] == CategoryIndex::kUnknown && reject_)
        rejects.Add(at, "UNKNOWN_CATEGORY", column_.name,
                    "is none of the categories", ValueText(column, at));
      values[row] = numbers[row] >= 0 ? static_cast<double>(numbers[row])
                    : numbers[row] == CategoryIndex::kMissing ? missing_
                                                              : unknown_;
    }
    std::vector<Column> made;
    made.push_back(Column::FromDoubles(std::move(values)));
    return made;
  }

 private:
  const Field column_;
  const CategoryIndex index_;
  const bool reject_;
  const double unknown_;
  const double missing_;
};

class Ordinal : public Transform {
 public:
  explicit Ordinal(const pb::Ordinal& spec) : spec_(spec) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  // Categories that were learned are all there are.
  bool may_reject(const Field&) const override {
    return !spec_.categories().empty() &&
           spec_.unknown() != pb::Ordinal::USE_VALUE;
  }
  absl::Status CheckOptions(absl::string_view path) const override;
  absl::Status CheckColumn(const Field& column,
                           absl::string_view path) const override;
  Needs NeedsOf(const Field&) const override {
    Needs needs;
    needs.categories = spec_.categories().empty();
    return needs;
  }
  Outputs Foresee(const Field& column) const override {
    Outputs outputs;
    outputs.in_place = {{column.name, pb::FLOAT64, column.role}};
    return outputs;
  }
  absl::StatusOr<pb::FittedColumn> Fit(
      const Field&, const Summary& summary, absl::string_view path,
      std::vector<std::string>&) const override {
    RETURN_IF_ERROR(CheckDistinct(summary.category_keys.size(), path));
    pb::FittedColumn fitted;
    fitted.mutable_categories()->mutable_keys()->Assign(
        summary.category_keys.begin(), summary.category_keys.end());
    return fitted;
  }
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn& fitted) const override;

 private:
  // A number that stands for unknown or missing must not be a category's.
  absl::Status CheckDistinct(size_t categories, absl::string_view path) const;

  const pb::Ordinal spec_;
};

absl::Status Ordinal::CheckOptions(absl::string_view path) const {
  if (spec_.unknown() < 0 || spec_.unknown() > pb::Ordinal::USE_VALUE)
    return BadSpec(absl::StrCat(path, ".unknown"), "say error or use_value");
  if (spec_.has_unknown_value() && spec_.unknown() != pb::Ordinal::USE_VALUE)
    return BadSpec(absl::StrCat(path, ".unknown_value"),
                   "is for unknown: use_value only");
  if (std::isinf(spec_.unknown_value()))
    return BadSpec(absl::StrCat(path, ".unknown_value"), "must be finite");
  if (std::isinf(spec_.missing_value()))
    return BadSpec(absl::StrCat(path, ".missing_value"), "must be finite");
  absl::flat_hash_set<absl::string_view> seen;
  for (const std::string& category : spec_.categories())
    if (!seen.insert(category).second)
      return BadSpec(absl::StrCat(path, ".categories"),
                     absl::StrCat("\"", category, "\" is there twice"));
  if (spec_.categories().empty()) return absl::OkStatus();
  return CheckDistinct(static_cast<size_t>(spec_.categories_size()), path);
}

absl::Status Ordinal::CheckColumn(const Field& column,
                                  absl::string_view path) const {
  absl::flat_hash_set<std::string> keys;
  for (const std::string& category : spec_.categories()) {
    std::string key;
    if (!ParseKey(column.type, category, &key) || !keys.insert(key).second)
      return BadSpec(
          absl::StrCat(path, ".categories"),
          absl::StrCat("\"", category, "\" is not a ", TypeName(column.type),
                       " of its own, as column "
                       "\"",
                       column.name, "\" needs"));
  }
  return absl::OkStatus();
}

absl::Status Ordinal::CheckDistinct(size_t categories,
                                    absl::string_view path) const {
  const auto taken = [&](double value) {
    return value >= 0 && value < static_cast<double>(categories) &&
           value == std::floor(value);
  };
  if (spec_.has_unknown_value() && taken(spec_.unknown_value()))
    return BadSpec(absl::StrCat(path, ".unknown_value"),
                   "is already the number of a category; use -1, say");
  if (spec_.has_missing_value() && taken(spec_.missing_value()))
    return BadSpec(absl::StrCat(path, ".missing_value"),
                   "is already the number of a category; use -1, say");
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<const ColumnTransform>> Ordinal::Bind(
    const Field& column, const pb::FittedColumn& fitted) const {
  const auto& fitted_keys = fitted.categories().keys();
  Strings keys(fitted_keys.begin(), fitted_keys.end());
  if (!spec_.categories().empty()) {
    keys.assign(static_cast<size_t>(spec_.categories_size()), "");
    for (size_t i = 0; i < keys.size(); ++i)
      if (!ParseKey(column.type, spec_.categories(static_cast<int>(i)),
                    &keys[i]))
        return ArtifactCorrupt("categories of another type");
  } else if (!fitted.has_categories()) {
    return ArtifactCorrupt(
        absl::StrCat("no categories for column \"", column.name, "\""));
  }
  for (const std::string& key : keys)
    if (!ValidKey(column.type, key))
      return ArtifactCorrupt("categories of another type");
  return std::make_unique<const NumberedColumn>(column, keys, spec_);
}

}  // namespace

std::unique_ptr<const Transform> MakeOrdinal(const pb::Step& step) {
  return std::make_unique<Ordinal>(step.ordinal());
}

}  // namespace troupe::preprocessor
