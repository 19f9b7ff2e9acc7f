#include "services/preprocessor/column_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/exact_sum.h"
#include "services/base/status_macros.h"
#include "services/preprocessor/category_key.h"

namespace troupe::preprocessor {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// More rows than any job has; keeps sums from overflowing.
constexpr int64_t kMaxCount = int64_t{1} << 48;

absl::Status TooManyCategories(const std::string& name) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "TOO_MANY_CATEGORIES",
      absl::StrCat("column \"", name,
                   "\" has too many distinct values (the "
                   "limit is ",
                   kMaxCategories, " values or ", kMaxPartialBytes >> 20,
                   " MiB); is it an identifier? carry or drop it"),
      {{"column", name}});
}

ExactMoments MomentsOf(const std::string& bytes) {
  ExactMoments moments;
  if (!bytes.empty()) ExactMoments::FromBytes(bytes, &moments);
  return moments;
}

std::string JoinedMoments(const std::string& a, const std::string& b) {
  ExactMoments moments = MomentsOf(a);
  moments.Add(MomentsOf(b));
  return moments.ToBytes();
}

using CategoryMap = absl::flat_hash_map<std::string, int64_t>;

// Counts by the cheapest key the type allows.
CategoryMap CountCategories(const Column& column) {
  CategoryMap counts;
  if (column.type() == pb::STRING && column.dictionary_encoded()) {
    std::vector<int64_t> by_code(static_cast<size_t>(column.dictionary_size()),
                                 0);
    for (int64_t i = 0; i < column.rows(); ++i)
      if (!column.IsNull(i))
        ++by_code[static_cast<size_t>(column.codes()[static_cast<size_t>(i)])];
    for (size_t code = 0; code < by_code.size(); ++code)
      if (by_code[code] > 0)
        counts[std::string(column.dictionary_text(
            static_cast<int64_t>(code)))] += by_code[code];
  } else if (column.type() == pb::STRING) {
    absl::flat_hash_map<absl::string_view, int64_t> by_text;
    for (int64_t i = 0; i < column.rows(); ++i)
      if (!column.IsNull(i)) ++by_text[column.text(i)];
    for (const auto& [text, count] : by_text)
      counts.emplace(std::string(text), count);
  } else {
    absl::flat_hash_map<uint64_t, int64_t> by_value;
    absl::flat_hash_map<uint64_t, int64_t> place;
    for (int64_t i = 0; i < column.rows(); ++i) {
      if (column.IsNull(i)) continue;
      const uint64_t value =
          column.type() == pb::INT64
              ? static_cast<uint64_t>(column.int64s()[static_cast<size_t>(i)])
              : OrderedBits(column.AsDouble(i));
      if (++by_value[value] == 1) place[value] = i;
    }
    for (const auto& [value, count] : by_value)
      counts.emplace(KeyAt(column, place[value]), count);
  }
  return counts;
}

absl::StatusOr<pb::CategoryCounts> SortedCounts(const std::string& name,
                                                const CategoryMap& counts) {
  if (static_cast<int64_t>(counts.size()) > kMaxCategories)
    return TooManyCategories(name);
  std::vector<const CategoryMap::value_type*> sorted;
  sorted.reserve(counts.size());
  for (const auto& entry : counts) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  pb::CategoryCounts out;
  for (const auto* entry : sorted) {
    out.add_keys(entry->first);
    out.add_counts(entry->second);
  }
  if (static_cast<int64_t>(out.ByteSizeLong()) > kMaxPartialBytes)
    return TooManyCategories(name);
  return out;
}

absl::Status MergeCategories(const std::string& name,
                             const pb::CategoryCounts& a,
                             const pb::CategoryCounts& b,
                             pb::CategoryCounts* out) {
  pb::CategoryCounts sum;
  int i = 0;
  int j = 0;
  while (i < a.keys_size() || j < b.keys_size()) {
    const int order = i == a.keys_size()   ? 1
                      : j == b.keys_size() ? -1
                                           : a.keys(i).compare(b.keys(j));
    sum.add_keys(order <= 0 ? a.keys(i) : b.keys(j));
    sum.add_counts((order <= 0 ? a.counts(i) : 0) +
                   (order >= 0 ? b.counts(j) : 0));
    if (order <= 0) ++i;
    if (order >= 0) ++j;
  }
  if (sum.keys_size() > kMaxCategories ||
      static_cast<int64_t>(sum.ByteSizeLong()) > kMaxPartialBytes)
    return TooManyCategories(name);
  *out = std::move(sum);
  return absl::OkStatus();
}

// The present values as doubles.
std::vector<double> PresentValues(const Column& column) {
  std::vector<double> values;
  values.reserve(static_cast<size_t>(column.rows() - column.null_count()));
  for (int64_t i = 0; i < column.rows(); ++i) {
    const double value = column.AsDouble(i);
    if (!std::isnan(value)) values.push_back(value);
  }
  return values;
}

bool ValidCategories(const pb::CategoryCounts& counts, DataType type,
                     int64_t present) {
  if (counts.keys_size() != counts.counts_size()) return false;
  int64_t total = 0;
  for (int i = 0; i < counts.keys_size(); ++i) {
    if (!ValidKey(type, counts.keys(i))) return false;
    if (i > 0 && counts.keys(i) <= counts.keys(i - 1)) return false;
    if (counts.counts(i) < 1 || counts.counts(i) > present - total)
      return false;
    total += counts.counts(i);
  }
  return total == present;
}

}  // namespace

absl::StatusOr<pb::ColumnStatistics> ObserveColumn(
    const std::string& name, const Column& column, const Needs& needs,
    const pb::QuantileSearch* search, const QuantileLimits& limits) {
  pb::ColumnStatistics statistics;
  statistics.set_rows(column.rows());
  statistics.set_missing(column.null_count());
  if (needs.moments || needs.range) {
    const std::vector<double> values = PresentValues(column);
    if (needs.moments) {
      ExactMoments moments;
      moments.Add(values);
      statistics.set_moments(moments.ToBytes());
    }
    if (needs.range && !values.empty()) {
      const auto [min, max] = std::minmax_element(values.begin(), values.end());
      // -0 counts as 0, wherever it stands.
      statistics.mutable_range()->set_min(*min + 0.0);
      statistics.mutable_range()->set_max(*max + 0.0);
    }
  }
  if (needs.categories) {
    ASSIGN_OR_RETURN(*statistics.mutable_categories(),
                     SortedCounts(name, CountCategories(column)));
  }
  if (needs.order())
    *statistics.mutable_quantiles() = CountValues(column, *search, limits);
  return statistics;
}

absl::Status CheckStatistics(const pb::ColumnStatistics& statistics,
                             DataType type, const Needs& needs,
                             const pb::QuantileSearch* search,
                             const QuantileLimits& limits) {
  const int64_t rows = statistics.rows();
  const int64_t missing = statistics.missing();
  const auto bad = [](absl::string_view what) {
    return BadMessage(absl::StrCat("malformed partial: ", what));
  };
  if (rows < 0 || rows > kMaxCount || missing < 0 || missing > rows)
    return bad("counts out of range");
  const int64_t present = rows - missing;
  ExactMoments moments;
  if (needs.moments &&
      (!ExactMoments::FromBytes(statistics.moments(), &moments) ||
       moments.weight().Rounded() != static_cast<long double>(present)))
    return bad("moments");
  if (needs.range && (statistics.has_range() != (present > 0) ||
                      !(statistics.range().min() <= statistics.range().max())))
    return bad("range");
  if (needs.categories &&
      !ValidCategories(statistics.categories(), type, present))
    return bad("categories");
  if (needs.order() &&
      !ValidCounts(statistics.quantiles(), *search, limits, present))
    return bad("quantiles");
  return absl::OkStatus();
}

absl::Status MergeStatistics(const std::string& name, pb::ColumnStatistics next,
                             const pb::QuantileSearch* search,
                             const QuantileLimits& limits,
                             pb::ColumnStatistics& sum) {
  if (next.rows() > kMaxCount - sum.rows())
    return BadMessage("malformed partial: counts out of range");
  sum.set_rows(sum.rows() + next.rows());
  sum.set_missing(sum.missing() + next.missing());
  if (!next.moments().empty())
    sum.set_moments(JoinedMoments(sum.moments(), next.moments()));
  if (next.has_range()) {
    const pb::Range& range = next.range();
    const bool known = sum.has_range();
    pb::Range* all = sum.mutable_range();
    all->set_min(known ? std::min(all->min(), range.min()) : range.min());
    all->set_max(known ? std::max(all->max(), range.max()) : range.max());
  }
  if (next.has_categories())
    RETURN_IF_ERROR(MergeCategories(name, sum.categories(), next.categories(),
                                    sum.mutable_categories()));
  if (next.has_quantiles())
    MergeCounts(std::move(*next.mutable_quantiles()), *search, limits,
                *sum.mutable_quantiles());
  return absl::OkStatus();
}

Summary Summarize(const pb::ColumnStatistics& statistics) {
  Summary summary;
  summary.rows = statistics.rows();
  summary.missing = statistics.missing();
  const bool any = summary.present() > 0;
  const ExactMoments moments = MomentsOf(statistics.moments());
  summary.mean = moments.mean();
  summary.deviation = static_cast<double>(
      std::sqrt(moments.squared_deviations() /
                static_cast<long double>(summary.present())));
  summary.min = any ? statistics.range().min() : kNaN;
  summary.max = any ? statistics.range().max() : kNaN;
  summary.median = kNaN;
  const pb::CategoryCounts& categories = statistics.categories();
  summary.category_keys.assign(categories.keys().begin(),
                               categories.keys().end());
  summary.category_counts.assign(categories.counts().begin(),
                                 categories.counts().end());
  return summary;
}

}  // namespace troupe::preprocessor
