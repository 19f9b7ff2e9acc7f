// Training rows as XGBoost's matrices.
//
// Thread safety: functions without state.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/model/backends/xgboost_handles.h"
#include "services/model/training_set.h"

namespace troupe::model {

// Gives a matrix (or a proxy of one) the targets and weights of `rows`, which
// must outlive the next call that uses it.
absl::Status SetTargets(DMatrixHandle matrix, const TrainingRows& rows);

// The rows sorted into at most `max_bins` bins per feature, all that training
// by histograms needs: a byte or a few per value.
// The rows are read `batch_bytes` at a time, in several passes; what has been
// read needs no memory.
absl::StatusOr<Matrix> BinnedMatrix(const TrainingRows& rows,
                                    const std::string& max_bins, int threads,
                                    int64_t batch_bytes = int64_t{16} << 20);

// The rows as they are, for validation.
absl::StatusOr<Matrix> PlainMatrix(const TrainingRows& rows, int threads);

}  // namespace troupe::model
