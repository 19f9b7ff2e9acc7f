// A column that becomes columns of 0 and 1: what one_hot, and bucketize with
// one-hot output, end in.
//
// Thread safety: immutable; const use from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/preprocessor/transform.h"

namespace troupe::preprocessor {

// One field COLUMN_SUFFIX per suffix.
Outputs OneHotOutputs(const Field& column,
                      const std::vector<std::string>& suffixes);

// One column per output: 1 where a row's number is the output's, otherwise 0. A
// number below 0 is nobody's.
std::vector<Column> OneHotColumns(const std::vector<int32_t>& numbers,
                                  size_t outputs);

}  // namespace troupe::preprocessor
