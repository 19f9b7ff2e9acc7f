// How many rows of an input train, steer and test: known before any work, since
// the split is a function of the row's ordinal.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

struct RowCounts {
  int64_t train = 0;
  int64_t validation = 0;
  int64_t test = 0;
};

RowCounts CountRows(int64_t rows, const pb::SplitSpec& split);

// BAD_INPUT or BAD_SPEC when a part that is asked for would have no rows.
absl::Status CheckRowCounts(const RowCounts& counts,
                            const pb::SplitSpec& split);

}  // namespace troupe
