// A Forest holds trees laid out for quick evaluation of many rows at once.
//
// Rows are evaluated in blocks of kBlockRows, column by column: where all rows'
// values of one feature lie side by side, a node is compared with 4 to 16 rows
// by one instruction. Two forms of a tree:
//
//   complete  Shallow trees, filled up to a complete one: all its nodes are
//             compared with all rows, and each row's leaf chosen from the
//             bottom up. 2^depth - 1 comparisons, no jump and no lookup.
//   linked    Deep or lopsided trees: 16 rows walk down in step, so that the
//             lookups of one wait for those of the others.
//
// A missing value (NaN) is below nothing, so it goes right; a node whose
// missing values go left looks at a copy of the column with -infinity in place
// of NaN.
//
// Thread safety: as for plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "services/model/backends/tree_source.h"

namespace troupe::model {

inline constexpr int kBlockRows = 64;

// A column of a block: column 0 is all zeros, for nodes that ask nothing.
struct BlockColumn {
  int32_t feature = 0;
  bool missing_left = false;
};

// Goes left where block[column + row] < threshold.
struct CompleteNode {
  float threshold = 0;
  uint32_t column = 0;  // Times kBlockRows.
};

// As above; the right child follows the left one. A leaf's left child is the
// leaf itself, and all rows go left.
struct LinkedNode {
  float threshold = 0;
  uint32_t column = 0;  // Times kBlockRows.
  uint32_t left = 0;    // In Forest::linked.
};

struct ForestTree {
  bool complete = false;
  int depth = 0;  // Of the deepest leaf; at most kMaxCompleteDepth if complete.
  int group = 0;
  // complete: where its 2^depth - 1 nodes (each before its left half, then its
  // right half) and its 2^depth leaves begin. linked: where its root is.
  uint32_t nodes = 0;
  uint32_t leaves = 0;
};

struct Forest {
  static constexpr int kMaxCompleteDepth = 8;

  std::vector<BlockColumn> columns;
  std::vector<ForestTree> trees;  // In the order of their sum.
  std::vector<CompleteNode> complete;
  std::vector<float> leaves;
  std::vector<LinkedNode> linked;
  std::vector<float> linked_values;  // One per linked node.
};

// Trees deeper than `max_complete_depth` (up to kMaxCompleteDepth) are linked.
// UNIMPLEMENTED when the trees are too many for 32-bit places.
absl::StatusOr<Forest> LayOut(const SourceTrees& source,
                              int max_complete_depth);

}  // namespace troupe::model
