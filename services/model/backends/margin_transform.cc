#include "services/model/backends/margin_transform.h"

#include <algorithm>
#include <cmath>

namespace troupe::model {
namespace {

// The cut keeps expf finite.
float Sigmoid(float margin) {
  return 1.0f / (std::exp(std::min(-margin, 88.7f)) + 1.0f);
}

void Softmax(int groups, float* scores) {
  const float highest = *std::max_element(scores, scores + groups);
  double sum = 0;
  for (int i = 0; i < groups; ++i) {
    scores[i] = std::exp(scores[i] - highest);
    sum += static_cast<double>(scores[i]);
  }
  for (int i = 0; i < groups; ++i) scores[i] /= static_cast<float>(sum);
}

}  // namespace

std::optional<MarginTransform> FindMarginTransform(
    absl::string_view objective) {
  if (objective == "binary:logistic" || objective == "reg:logistic")
    return MarginTransform::kSigmoid;
  if (objective == "multi:softprob") return MarginTransform::kSoftmax;
  if (objective == "count:poisson" || objective == "reg:gamma" ||
      objective == "reg:tweedie")
    return MarginTransform::kExp;
  for (const absl::string_view plain :
       {"reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror",
        "reg:squaredlogerror"})
    if (objective == plain) return MarginTransform::kNone;
  return std::nullopt;
}

float BaseMargin(MarginTransform transform, float base_score) {
  switch (transform) {
    case MarginTransform::kSigmoid:
      return -std::log(1.0f / base_score - 1.0f);
    case MarginTransform::kExp:
      return std::log(base_score);
    case MarginTransform::kNone:
    case MarginTransform::kSoftmax:
      break;
  }
  return base_score;
}

void Apply(MarginTransform transform, int64_t rows, int groups, float* scores) {
  const int64_t count = rows * groups;
  switch (transform) {
    case MarginTransform::kNone:
      break;
    case MarginTransform::kSigmoid:
      for (int64_t i = 0; i < count; ++i) scores[i] = Sigmoid(scores[i]);
      break;
    case MarginTransform::kExp:
      for (int64_t i = 0; i < count; ++i) scores[i] = std::exp(scores[i]);
      break;
    case MarginTransform::kSoftmax:
      for (int64_t row = 0; row < rows; ++row)
        Softmax(groups, scores + row * groups);
      break;
  }
}

}  // namespace troupe::model
