#include "services/model/training_memory.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "services/base/status_macros.h"

namespace troupe::model {
namespace {

// Gradient and hessian of a bin, as binary64.
constexpr double kBinBytes = 16;
// Of a node while it is divided: the numbers of up to 2,048 rows, twice.
constexpr double kDividedBytes = 32 << 10;
// Different values that are remembered at once while bins are counted.
constexpr int64_t kMaxRemembered = int64_t{4} << 20;

int64_t Saturated(double bytes) {
  return bytes < 9e18 ? static_cast<int64_t>(bytes)
                      : std::numeric_limits<int64_t>::max();
}

// A parameter of XGBoost that is a number.
double ParameterOf(const ModelPlan& plan, absl::string_view name,
                   double fallback) {
  for (const auto& [key, value] : plan.parameters) {
    double number = 0;
    if (key == name && absl::SimpleAtod(value, &number)) return number;
  }
  return fallback;
}

}  // namespace

int64_t TrainingBytes(int64_t rows, int64_t cols, int classes) {
  // Per cell: 4 in the spool, and at most 8 in XGBoost (measured: 1,000,000 x
  // 30 with missing values, 1.7.4, took 11.6 in all). Per row: target, weight,
  // and score and gradient per class.
  return Saturated(static_cast<double>(rows) *
                   (static_cast<double>(cols) * 12 + 48 + 16.0 * classes));
}

int64_t HistogramBytes(const ModelPlan& plan, int64_t rows, int64_t bins) {
  // Every leaf has a row, and a tree has fewer nodes above its leaves than
  // leaves. Those that are divided at once have two rows each.
  double nodes = 2.0 * static_cast<double>(rows);
  double divided = 0.5 * static_cast<double>(rows);
  const double depth = ParameterOf(plan, "max_depth", 0);
  if (depth > 0) {
    nodes = std::min(nodes, std::exp2(depth + 1) - 1);
    divided = std::min(divided, std::exp2(depth - 1));
  }
  const double leaves = ParameterOf(plan, "max_leaves", 0);
  if (leaves > 0) {
    nodes = std::min(nodes, 2 * leaves);
    divided = std::min(divided, leaves);
  }
  return Saturated(nodes * static_cast<double>(bins) * kBinBytes +
                   divided * kDividedBytes);
}

int64_t MaxBins(const ModelPlan& plan) {
  return static_cast<int64_t>(ParameterOf(plan, "max_bin", 256));
}

absl::StatusOr<int64_t> CountBins(RowSpool& rows, int64_t max_bins) {
  ASSIGN_OR_RETURN(const float* const values, rows.Map());
  const int64_t cols = rows.cols();
  const int64_t at_once = std::max<int64_t>(1, kMaxRemembered / max_bins);
  int64_t bins = 0;
  for (int64_t begin = 0; begin < cols; begin += at_once) {
    const int64_t end = std::min(cols, begin + at_once);
    std::vector<absl::flat_hash_set<uint32_t>> seen(
        static_cast<size_t>(end - begin));
    for (int64_t row = 0; row < rows.rows(); ++row)
      for (int64_t col = begin; col < end; ++col) {
        auto& known = seen[static_cast<size_t>(col - begin)];
        const float value = values[row * cols + col];
        if (!std::isnan(value) && static_cast<int64_t>(known.size()) < max_bins)
          known.insert(std::bit_cast<uint32_t>(value + 0.0F));
      }
    for (const auto& known : seen) bins += static_cast<int64_t>(known.size());
  }
  rows.Release(rows.rows());
  return bins;
}

}  // namespace troupe::model
