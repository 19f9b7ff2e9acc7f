// What an objective makes of the sums of its trees, bit for bit as XGBoost 1.7
// to 3.0 does it on the processor: in float, by the C library's expf and logf.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace troupe::model {

enum class MarginTransform { kNone, kSigmoid, kExp, kSoftmax };

// By XGBoost's name of the objective; nothing where it is not known.
std::optional<MarginTransform> FindMarginTransform(absl::string_view objective);

// What every sum begins with: XGBoost keeps the base score in the scale of its
// predictions.
float BaseMargin(MarginTransform transform, float base_score);

// Turns sums into predictions, in place: `groups` for each of `rows` rows.
void Apply(MarginTransform transform, int64_t rows, int groups, float* scores);

}  // namespace troupe::model
