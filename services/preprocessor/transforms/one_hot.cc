#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/preprocessor/category_index.h"
#include "services/preprocessor/category_key.h"
#include "services/preprocessor/transforms/one_hot_column.h"
#include "services/preprocessor/transforms/transforms.h"
#include "services/table/utf8.h"

namespace troupe::preprocessor {
namespace {

// More columns than this are an identifier taken for a category.
constexpr int64_t kMaxColumns = 100'000;

using Strings = std::vector<std::string>;

class EncodedColumn : public ColumnTransform {
 public:
  EncodedColumn(Field column, pb::OneHot::Unknown unknown,
                const pb::Categories& categories)
      : column_(std::move(column)),
        unknown_(unknown),
        index_(column_.type,
               Strings(categories.keys().begin(), categories.keys().end())),
        columns_(categories.columns().begin(), categories.columns().end()),
        suffixes_(categories.suffixes().begin(), categories.suffixes().end()),
        missing_(categories.missing()),
        infrequent_(categories.infrequent()) {}

  Outputs outputs() const override { return OneHotOutputs(column_, suffixes_); }

  std::vector<Column> Apply(Column column, RowRejects& rejects) const override {
    std::vector<int32_t> numbers = index_.Lookup(column);
    for (size_t row = 0; row < numbers.size(); ++row) {
      int32_t& number = numbers[row];
      if (number >= 0) {
        number = columns_[static_cast<size_t>(number)];
      } else if (number == CategoryIndex::kMissing && missing_) {
        number = columns_.back();
      } else {
        const auto at = static_cast<int64_t>(row);
        if (unknown_ == pb::OneHot::ERROR) {
          rejects.Add(at, "UNKNOWN_CATEGORY", column_.name,
                      number == CategoryIndex::kMissing
                          ? "a missing value was not seen while fitting"
                          : "was not seen while fitting",
                      ValueText(column, at));
        }
        number = unknown_ == pb::OneHot::INFREQUENT ? infrequent_ : -1;
      }
    }
    return OneHotColumns(numbers, suffixes_.size());
  }

 private:
  const Field column_;
  const pb::OneHot::Unknown unknown_;
  const CategoryIndex index_;
  const std::vector<int32_t> columns_;  // By category, missing last.
  const Strings suffixes_;
  const bool missing_;
  const int32_t infrequent_;
};

class OneHot : public Transform {
 public:
  explicit OneHot(const pb::OneHot& spec) : spec_(spec) {}

  const pb::Selector& selector() const override { return spec_.columns(); }
  bool optional() const override { return spec_.optional(); }
  absl::Status CheckOptions(absl::string_view path) const override;
  Needs NeedsOf(const Field&) const override {
    Needs needs;
    needs.categories = true;
    return needs;
  }
  Outputs Foresee(const Field& column) const override {
    Outputs outputs;
    outputs.unknown_prefix = absl::StrCat(column.name, "_");
    return outputs;
  }
  absl::StatusOr<pb::FittedColumn> Fit(
      const Field& column, const Summary& summary, absl::string_view path,
      std::vector<std::string>& warnings) const override;
  absl::StatusOr<std::unique_ptr<const ColumnTransform>> Bind(
      const Field& column, const pb::FittedColumn& fitted) const override;

 private:
  std::vector<bool> FindInfrequent(const std::vector<int64_t>& counts,
                                   int64_t rows) const;
  void AssignColumns(const std::vector<bool>& infrequent, const Strings& names,
                     pb::Categories* categories) const;

  const pb::OneHot spec_;
};

absl::Status OneHot::CheckOptions(absl::string_view path) const {
  const double frequency = spec_.min_frequency();
  if (!(frequency >= 0) ||
      (frequency >= 1 && frequency != std::floor(frequency)))
    return BadSpec(absl::StrCat(path, ".min_frequency"),
                   "must be a count (1, 2, ...) or a share below 1");
  if (spec_.max_categories() < 0)
    return BadSpec(absl::StrCat(path, ".max_categories"),
                   "must not be negative");
  if (spec_.drop() < 0 || spec_.drop() > pb::OneHot::IF_BINARY)
    return BadSpec(absl::StrCat(path, ".drop"),
                   "say nothing, first or if_binary");
  if (spec_.unknown() < 0 || spec_.unknown() > pb::OneHot::INFREQUENT)
    return BadSpec(absl::StrCat(path, ".unknown"),
                   "say error, ignore or infrequent");
  return absl::OkStatus();
}

// scikit-learn's rule: rare categories first, then the rarest of all until the
// rest and their common column fit. Of equals the first go.
std::vector<bool> OneHot::FindInfrequent(const std::vector<int64_t>& counts,
                                         int64_t rows) const {
  const double frequency = spec_.min_frequency();
  const double least =
      frequency < 1 ? frequency * static_cast<double>(rows) : frequency;
  std::vector<bool> infrequent(counts.size(), false);
  for (size_t i = 0; i < counts.size(); ++i)
    infrequent[i] = static_cast<double>(counts[i]) < least;
  const auto rare = static_cast<size_t>(
      std::count(infrequent.begin(), infrequent.end(), true));
  const auto most = static_cast<size_t>(spec_.max_categories());
  if (most == 0 || most >= counts.size() - rare + 1) return infrequent;
  std::vector<size_t> order(counts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return counts[a] < counts[b]; });
  for (size_t i = 0; i + (most - 1) < order.size(); ++i)
    infrequent[order[i]] = true;
  return infrequent;
}

// Frequent categories in order, then the infrequent ones' column; then one may
// be dropped.
void OneHot::AssignColumns(const std::vector<bool>& infrequent,
                           const Strings& names,
                           pb::Categories* categories) const {
  Strings suffixes;
  for (size_t i = 0; i < names.size(); ++i)
    if (!infrequent[i]) suffixes.push_back(names[i]);
  const auto frequent = static_cast<int32_t>(suffixes.size());
  const bool grouped = suffixes.size() < names.size();
  if (grouped) suffixes.push_back("infrequent_sklearn");
  const bool drop =
      !suffixes.empty() &&
      (spec_.drop() == pb::OneHot::FIRST ||
       (spec_.drop() == pb::OneHot::IF_BINARY && suffixes.size() == 2));
  const int32_t shift = drop ? 1 : 0;  // The first becomes -1: nobody's.
  int32_t next = 0;
  for (size_t i = 0; i < names.size(); ++i)
    categories->add_columns((infrequent[i] ? frequent : next++) - shift);
  categories->set_infrequent(grouped ? frequent - shift : -1);
  for (size_t i = drop ? 1 : 0; i < suffixes.size(); ++i)
    categories->add_suffixes(suffixes[i]);
}

absl::StatusOr<pb::FittedColumn> OneHot::Fit(
    const Field& column, const Summary& summary, absl::string_view path,
    std::vector<std::string>& warnings) const {
  pb::FittedColumn fitted;
  pb::Categories* categories = fitted.mutable_categories();
  categories->mutable_keys()->Assign(summary.category_keys.begin(),
                                     summary.category_keys.end());
  categories->set_missing(summary.missing > 0);

  std::vector<int64_t> counts = summary.category_counts;
  Strings names;
  for (const std::string& key : summary.category_keys)
    // Whole numbers with gaps are floats to pandas, and named so.
    names.push_back(column.type == pb::INT64 && summary.missing > 0
                        ? PythonFloat(static_cast<double>(Int64OfKey(key)))
                        : KeyText(column.type, key));
  if (summary.missing > 0) {
    names.push_back("nan");
    counts.push_back(summary.missing);
  }
  AssignColumns(FindInfrequent(counts, summary.rows), names, categories);
  if (categories->suffixes_size() > kMaxColumns)
    return WithMetadata(
        MakeError(absl::StatusCode::kInvalidArgument, "TOO_MANY_CATEGORIES",
                  absl::StrCat(path, ": column \"", column.name,
                               "\" would "
                               "become ",
                               categories->suffixes_size(),
                               " columns; set max_categories or "
                               "min_frequency, or carry or drop it"),
                  {{"column", column.name}}),
        "field", absl::StrCat(path, ".columns"));
  if (categories->suffixes().empty())
    warnings.push_back(absl::StrCat(path, ": column \"", column.name,
                                    "\" has one category, which is dropped; "
                                    "nothing is left of it"));
  return fitted;
}

absl::StatusOr<std::unique_ptr<const ColumnTransform>> OneHot::Bind(
    const Field& column, const pb::FittedColumn& fitted) const {
  const pb::Categories& categories = fitted.categories();
  const auto corrupt = [&] {
    return ArtifactCorrupt(
        absl::StrCat("no categories for column \"", column.name, "\""));
  };
  const int outputs = categories.suffixes_size();
  const auto is_output = [&](int32_t number) {
    return number >= -1 && number < outputs;
  };
  if (!fitted.has_categories() || outputs > kMaxColumns ||
      categories.columns_size() !=
          categories.keys_size() + (categories.missing() ? 1 : 0) ||
      !is_output(categories.infrequent()))
    return corrupt();
  for (const std::string& key : categories.keys())
    if (!ValidKey(column.type, key)) return corrupt();
  for (const int32_t number : categories.columns())
    if (!is_output(number)) return corrupt();
  for (const std::string& suffix : categories.suffixes())
    if (!IsUtf8(suffix)) return corrupt();
  RETURN_IF_ERROR(CheckOutputNames(column, static_cast<size_t>(outputs)));
  const pb::OneHot::Unknown unknown =
      spec_.unknown() == pb::OneHot::UNKNOWN_UNSPECIFIED ? pb::OneHot::ERROR
                                                         : spec_.unknown();
  return std::make_unique<const EncodedColumn>(column, unknown, categories);
}

}  // namespace

std::unique_ptr<const Transform> MakeOneHot(const pb::Step& step) {
  return std::make_unique<OneHot>(step.one_hot());
}

}  // namespace troupe::preprocessor
