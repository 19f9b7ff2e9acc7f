// The trees of an XGBoost model as plain values, read from its checked UBJSON.
//
// Thread safety: a function without state; plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace troupe::model {

// An inner node sends a row left where its feature is below `value`, and, where
// that is missing (NaN), by `missing_left`. A leaf adds `value`.
struct SourceNode {
  float value = 0;
  int32_t feature = 0;
  int32_t left = -1;  // -1: a leaf. The right child is `right`.
  int32_t right = -1;
  bool missing_left = false;

  bool leaf() const { return left < 0; }
};

struct SourceTree {
  int32_t group = 0;  // Which of a row's scores it adds to.
  // The root first, children after their parents; what cannot be reached is
  // left out.
  std::vector<SourceNode> nodes;
};

struct SourceTrees {
  float base_score = 0;  // As written: a share for reg:logistic and the like.
  std::vector<SourceTree> trees;
};

// `ubjson` has passed CheckXgboostModel. UNIMPLEMENTED where a number in it is
// not finite, which XGBoost may compare in a way of its own.
absl::StatusOr<SourceTrees> ReadSourceTrees(absl::string_view ubjson);

}  // namespace troupe::model
