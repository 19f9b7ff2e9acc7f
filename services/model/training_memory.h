// How much memory a training takes, so that what cannot fit is refused before
// it starts.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "services/model/model_plan.h"
#include "services/model/row_spool.h"

namespace troupe::model {

// What so many rows and columns need at most: the spool (a scratch volume may
// be memory), XGBoost's bins, targets, and per class gradients and scores.
int64_t TrainingBytes(int64_t rows, int64_t cols, int classes);

// What a tree needs while it grows, at most, where all features together have
// `bins` bins: XGBoost keeps a histogram for each of its nodes, and lists of
// rows for those that it divides at once (1.7.4: a tree of 18,525 nodes and
// 1,280 bins took 710 MiB).
int64_t HistogramBytes(const ModelPlan& plan, int64_t rows, int64_t bins);

// The most bins that XGBoost makes of one feature.
int64_t MaxBins(const ModelPlan& plan);

// The bins of all features together: of each, as many as it has different
// values, at most `max_bins`. Maps `rows`, and reads them.
absl::StatusOr<int64_t> CountBins(RowSpool& rows, int64_t max_bins);

}  // namespace troupe::model
