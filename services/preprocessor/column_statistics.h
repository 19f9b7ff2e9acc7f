// Statistics of one column, over many batches: observed batch by batch, merged
// in batch order, summed up at the end of a pass.
//
// Counts, extremes, categories, quantiles and moments
// (services/base/exact_sum.h) are exact, so how rows are divided into batches,
// and batches into merges, changes no bit.
//
// Thread safety: functions without shared state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/preprocessor/quantile_search.h"
#include "services/table/table.h"
#include "troupe/v1/fitted.pb.h"

namespace troupe::preprocessor {

// More distinct values than this are no categories.
inline constexpr int64_t kMaxCategories = 1'000'000;
// The contract's bound on a partial (proto/troupe/v1/stage.proto).
inline constexpr int64_t kMaxPartialBytes = int64_t{32} << 20;

// What is to be known of a column.
struct Needs {
  bool missing = false;  // How many values are missing.
  bool moments = false;  // Mean and variance.
  bool range = false;
  bool categories = false;
  bool median = false;
  std::vector<double> quantiles = {};  // Shares, 0 to 1, rising.

  bool order() const { return median || !quantiles.empty(); }
  bool any() const {
    return missing || moments || range || categories || order();
  }
};

// What was asked for; the rest is 0 or empty. Numbers are NaN where there was
// no value.
struct Summary {
  int64_t rows = 0;
  int64_t missing = 0;
  double mean = 0;       // NaN unless moments were asked for.
  double deviation = 0;  // The standard deviation, ddof 0; likewise.
  double min = 0;
  double max = 0;
  double median = 0;
  std::vector<double> quantiles;           // numpy's linear interpolation.
  std::vector<std::string> category_keys;  // Rising.
  std::vector<int64_t> category_counts;

  int64_t present() const { return rows - missing; }
};

// Statistics of one batch. `search` and `limits` where quantiles are needed.
// INVALID_ARGUMENT (TOO_MANY_CATEGORIES) names the column.
absl::StatusOr<pb::ColumnStatistics> ObserveColumn(
    const std::string& name, const Column& column, const Needs& needs,
    const pb::QuantileSearch* search, const QuantileLimits& limits);

// Refuses foreign statistics that do not hang together (BAD_MESSAGE).
absl::Status CheckStatistics(const pb::ColumnStatistics& statistics,
                             DataType type, const Needs& needs,
                             const pb::QuantileSearch* search,
                             const QuantileLimits& limits);

// Adds `next` to `sum`, which stands for the batches before. Both must be
// checked. Errors as ObserveColumn.
absl::Status MergeStatistics(const std::string& name, pb::ColumnStatistics next,
                             const pb::QuantileSearch* search,
                             const QuantileLimits& limits,
                             pb::ColumnStatistics& sum);

// All but quantiles and median.
Summary Summarize(const pb::ColumnStatistics& statistics);

}  // namespace troupe::preprocessor
