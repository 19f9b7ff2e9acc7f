// Exact order statistics of a column that need not fit in memory, by narrowing.
//
// Doubles are compared as 64-bit keys of the same order. A pass keeps the
// values within the brackets where the wanted ranks lie (first: everything) as
// long as they are few; otherwise it counts them in up to 4,096 bins per
// bracket, and the bins that hold a wanted rank are the brackets of the next
// pass. Each pass settles up to 12 of 64 bits, so six passes are always enough,
// and three do for hundreds of millions of ordinary values.
//
// Thread safety: functions without shared state.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/table/table.h"
#include "troupe/v1/fitted.pb.h"

namespace troupe::preprocessor {

// How much one column may keep in a partial; the columns of a pass share what a
// partial may hold.
struct QuantileLimits {
  int64_t max_values = int64_t{1} << 20;
  int32_t bits = 12;  // 2^bits bins per bracket.
};

// The search that begins with everything.
pb::QuantileSearch WholeRange();
bool IsWholeRange(const pb::QuantileSearch& search);

// Refuses a foreign search that does not hang together.
bool ValidSearch(const pb::QuantileSearch& search);

// Observes the values of a number or bool column, missing ones excepted.
pb::QuantileCounts CountValues(const Column& column,
                               const pb::QuantileSearch& search,
                               const QuantileLimits& limits);

// Refuses foreign counts that do not belong to `search`, or are of more than
// the `present` values that were observed.
bool ValidCounts(const pb::QuantileCounts& counts,
                 const pb::QuantileSearch& search, const QuantileLimits& limits,
                 int64_t present);

// Adds `next` to `sum`.
void MergeCounts(pb::QuantileCounts next, const pb::QuantileSearch& search,
                 const QuantileLimits& limits, pb::QuantileCounts& sum);

// Where a share of the sorted values lies: numpy's linear rule.
struct Rank {
  int64_t below = 0;    // The order statistic at or before it, from 0.
  int64_t above = 0;    // The one at or after it.
  double fraction = 0;  // Of the way between them.
};
Rank RankOf(double share, int64_t count);

// numpy's interpolation: from the nearer end, so that results agree to the bit.
// Where numpy has NaN, as the distance is no double, it is the point between.
double Interpolate(double below, double above, double fraction);

// What a pass led to: the wanted order statistics, or the next, narrower
// search.
struct SearchStep {
  std::vector<double> found;  // One per rank.
  std::optional<pb::QuantileSearch> next;
};

// `ranks` rise and are below `count`, the number of values of the whole column.
// INPUT_CHANGED when the pass saw other values than the one before.
absl::StatusOr<SearchStep> Narrow(const pb::QuantileSearch& search,
                                  const pb::QuantileCounts& counts,
                                  const std::vector<int64_t>& ranks,
                                  int64_t count, const QuantileLimits& limits);

}  // namespace troupe::preprocessor
