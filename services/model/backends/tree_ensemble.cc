#include "services/model/backends/tree_ensemble.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/status_macros.h"
#include "services/model/backends/tree_source.h"

namespace troupe::model {
namespace {

// Rows below which another thread costs more than it brings.
constexpr int64_t kRowsPerThread = 4096;

// Floats aligned for vectors, all zero.
class Scratch {
 public:
  explicit Scratch(size_t count) : floats_(new (kAlignment) float[count]()) {}
  float* get() const { return floats_.get(); }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Delete {
    void operator()(float* floats) const {
      ::operator delete[](floats, kAlignment);
    }
  };
  std::unique_ptr<float[], Delete> floats_;
};

// Copies rows into a block, column by column.
void FillBlock(const Forest& forest, const float* values, int64_t features,
               int rows, float* block) {
  for (int row = 0; row < rows; ++row, values += features) {
    // Column 0 stays zero.
    for (size_t c = 1; c < forest.columns.size(); ++c) {
      const BlockColumn& column = forest.columns[c];
      const float value = values[column.feature];
      block[c * kBlockRows + static_cast<size_t>(row)] =
          column.missing_left && std::isnan(value)
              ? -std::numeric_limits<float>::infinity()
              : value;
    }
  }
}

}  // namespace

absl::StatusOr<TreeEnsemble> TreeEnsemble::Create(absl::string_view ubjson,
                                                  absl::string_view objective,
                                                  int64_t features, int groups,
                                                  TreeSimd simd) {
  TreeEnsemble ensemble(simd);
  const std::optional<MarginTransform> transform =
      FindMarginTransform(objective);
  if (!transform.has_value())
    return absl::UnimplementedError(
        absl::StrCat("the objective ", objective, " is not covered"));
  ASSIGN_OR_RETURN(const SourceTrees source, ReadSourceTrees(ubjson));
  ASSIGN_OR_RETURN(ensemble.forest_, LayOut(source, MaxCompleteDepth(simd)));
  ensemble.transform_ = *transform;
  ensemble.base_margin_ = BaseMargin(*transform, source.base_score);
  ensemble.features_ = features;
  ensemble.groups_ = groups;
  return ensemble;
}

void TreeEnsemble::PredictPart(const float* values, int64_t rows,
                               float* scores) const {
  const auto groups = static_cast<size_t>(groups_);
  const Scratch block(forest_.columns.size() * kBlockRows);
  const Scratch sums(groups * kBlockRows);
  for (int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const auto count =
        static_cast<int>(std::min<int64_t>(kBlockRows, rows - begin));
    FillBlock(forest_, values + begin * features_, features_, count,
              block.get());
    std::fill_n(sums.get(), groups * kBlockRows, base_margin_);
    AddTrees(simd_, forest_, block.get(), count, sums.get());
    float* const out = scores + begin * groups_;
    for (int row = 0; row < count; ++row)
      for (int group = 0; group < groups_; ++group)
        out[row * groups_ + group] = sums.get()[group * kBlockRows + row];
    Apply(transform_, count, groups_, out);
  }
}

void TreeEnsemble::Predict(const float* values, int64_t rows, int threads,
                           float* scores) const {
  const int64_t parts =
      std::clamp<int64_t>(rows / kRowsPerThread, 1, std::max(threads, 1));
  std::vector<std::jthread> others;
  for (int64_t part = parts; part-- > 0;) {
    const int64_t begin = rows * part / parts;
    const int64_t end = rows * (part + 1) / parts;
    const auto predict = [=, this] {
      PredictPart(values + begin * features_, end - begin,
                  scores + begin * groups_);
    };
    part > 0 ? static_cast<void>(others.emplace_back(predict)) : predict();
  }
}

std::vector<float> TreeEnsemble::ProbeRows(int64_t rows) const {
  // Of each feature, some thresholds it is compared with.
  std::vector<std::vector<float>> known(static_cast<size_t>(features_));
  const auto learn = [&](uint32_t place, float threshold) {
    const BlockColumn& column = forest_.columns[place / kBlockRows];
    if (place > 0)
      known[static_cast<size_t>(column.feature)].push_back(threshold);
  };
  for (const CompleteNode& node : forest_.complete)
    learn(node.column, node.threshold);
  for (const LinkedNode& node : forest_.linked)
    learn(node.column, node.threshold);

  // SplitMix64 (Steele, Lea and Flood, 2014): small, and the same everywhere.
  uint64_t state = 1;
  const auto random = [&state] {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  };
  std::vector<float> values(static_cast<size_t>(rows * features_), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    const std::vector<float>& thresholds =
        known[i % static_cast<size_t>(features_)];
    if (thresholds.empty()) continue;
    const float threshold = thresholds[random() % thresholds.size()];
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    switch (random() % 4) {
      case 0:
        values[i] = threshold;
        break;
      case 1:
        values[i] = std::nextafter(threshold, -kInfinity);
        break;
      case 2:
        values[i] = std::numeric_limits<float>::quiet_NaN();
        break;
      default:
        values[i] = threshold + (random() % 2 == 0 ? 1.0f : -1.0f);
    }
  }
  return values;
}

absl::StatusOr<bool> TreeEnsemble::Agrees(const Reference& reference) const {
  // Several blocks' worth, less of what is large.
  const int64_t rows =
      std::clamp<int64_t>(400'000 / (trees() + 1), 24, 4 * kBlockRows + 3);
  const std::vector<float> values = ProbeRows(rows);
  std::vector<float> theirs;
  RETURN_IF_ERROR(reference(values.data(), rows, &theirs));
  std::vector<float> ours(static_cast<size_t>(rows * groups_));
  Predict(values.data(), rows, 1, ours.data());
  return ours.size() == theirs.size() &&
         std::memcmp(ours.data(), theirs.data(), ours.size() * sizeof(float)) ==
             0;
}

}  // namespace troupe::model
