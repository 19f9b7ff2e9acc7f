// A column that becomes columns of 0 and 1: what one_hot, and bucketize with
// one-hot output, end in.
//
// Thread safety: immutable; const use from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/preprocessor/transform.h"

namespace troupe::preprocessor {

// ARTIFACT_CORRUPT where the column's name is so long that so many columns
// named after it would take more than 64 MiB for it.
absl::Status CheckOutputNames(const Field& column, size_t outputs);

// One field COLUMN_SUFFIX per suffix.
Outputs OneHotOutputs(const Field& column,
                      const std::vector<std::string>& suffixes);

// One column per output: 1 where a row's number is the output's, otherwise 0. A
// number below 0 is nobody's.
std::vector<Column> OneHotColumns(const std::vector<int32_t>& numbers,
                                  size_t outputs);

}  // namespace troupe::preprocessor
