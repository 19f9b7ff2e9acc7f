// A TreeEnsemble predicts by the trees of an XGBoost model as XGBoost does, bit
// for bit, several times as fast (tests/bench, row "trees").
//
// Equality needs: float sums, trees in their order after the base score, and
// the same functions of the C library after that. Whether the XGBoost that is
// installed does so is not taken on trust: see Agrees.
//
// Thread safety: immutable; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/model/backends/margin_transform.h"
#include "services/model/backends/tree_forest.h"
#include "services/model/backends/tree_kernels.h"

namespace troupe::model {

class TreeEnsemble {
 public:
  // `ubjson` has passed CheckXgboostModel, which knows `features` and `groups`
  // (scores per row). UNIMPLEMENTED, with the reason, for what is not covered.
  static absl::StatusOr<TreeEnsemble> Create(absl::string_view ubjson,
                                             absl::string_view objective,
                                             int64_t features, int groups,
                                             TreeSimd simd = BestTreeSimd());

  // Sets the `groups` scores of each of `rows` rows of `features` values each;
  // NaN is missing. Done by `threads` threads where there is work for them.
  void Predict(const float* values, int64_t rows, int threads,
               float* scores) const;

  // Rows that meet the model's thresholds exactly, from just below, with
  // missing values and with others; the same for the same model.
  std::vector<float> ProbeRows(int64_t rows) const;

  // Whether it predicts of the probe rows, bit for bit, what `reference` does.
  using Reference = std::function<absl::Status(
      const float* values, int64_t rows, std::vector<float>* scores)>;
  absl::StatusOr<bool> Agrees(const Reference& reference) const;

  int64_t trees() const { return static_cast<int64_t>(forest_.trees.size()); }

 private:
  explicit TreeEnsemble(TreeSimd simd) : simd_(simd) {}
  void PredictPart(const float* values, int64_t rows, float* scores) const;

  TreeSimd simd_;

  Forest forest_;
  MarginTransform transform_ = MarginTransform::kNone;
  float base_margin_ = 0;
  int64_t features_ = 0;
  int groups_ = 1;
};

}  // namespace troupe::model
