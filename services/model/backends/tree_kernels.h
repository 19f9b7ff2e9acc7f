// What the processor does for a Forest: sums over a block of rows.
//
// Thread safety: functions without state.
#pragma once

#include "services/model/backends/tree_forest.h"

namespace troupe::model {

// The vector instructions of complete trees: 4, 8 or 16 rows by one.
enum class TreeSimd { kSse2, kAvx2, kAvx512 };

// The widest of this processor.
TreeSimd BestTreeSimd();

// The depth up to which comparing all nodes of a complete tree is quicker than
// walking down a linked one: it doubles the work with each level, by vectors of
// that width (tests/bench/bench_trees --simd).
int MaxCompleteDepth(TreeSimd simd);

// Adds each tree's leaves, in order, to sums[group * kBlockRows + row] for the
// first `rows` rows (in (0, kBlockRows]). `block` holds forest.columns; it and
// `sums` are aligned to 64 bytes, and what is beyond `rows` may be overwritten.
void AddTrees(TreeSimd simd, const Forest& forest, const float* block, int rows,
              float* sums);

}  // namespace troupe::model
