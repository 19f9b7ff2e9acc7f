#include "services/model/backends/tree_kernels.h"

#include <iterator>

namespace troupe::model {
namespace {

// Adds one complete tree to the sums of its group.
using AddComplete = void(const CompleteNode* nodes, const float* leaves,
                         const float* block, int rows, float* sums);

namespace sse2 {
#define TROUPE_TARGET
#define TROUPE_LANES 4
#define TROUPE_VECTORS 4
#include "services/model/backends/tree_kernel.inc"
#undef TROUPE_TARGET
#undef TROUPE_LANES
#undef TROUPE_VECTORS
}  // namespace sse2

#if defined(__x86_64__)
namespace avx2 {
#define TROUPE_TARGET __attribute__((target("avx2")))
#define TROUPE_LANES 8
#define TROUPE_VECTORS 2
#include "services/model/backends/tree_kernel.inc"
#undef TROUPE_TARGET
#undef TROUPE_LANES
#undef TROUPE_VECTORS
}  // namespace avx2

namespace avx512 {
#define TROUPE_TARGET __attribute__((target("avx512f,avx512dq,avx512vl")))
#define TROUPE_LANES 16
#define TROUPE_VECTORS 1
#include "services/model/backends/tree_kernel.inc"
#undef TROUPE_TARGET
#undef TROUPE_LANES
#undef TROUPE_VECTORS
}  // namespace avx512
#endif

constexpr int kLinkedRows = 16;

// kLinkedRows rows walk down in step.
void AddLinked(const Forest& forest, const ForestTree& tree, const float* block,
               float* sums) {
  const LinkedNode* const nodes = forest.linked.data();
  uint32_t place[kLinkedRows];
  for (uint32_t& p : place) p = tree.nodes;
  for (int level = 0; level < tree.depth; ++level) {
    uint32_t moved = 0;
    for (int row = 0; row < kLinkedRows; ++row) {
      const LinkedNode& node = nodes[place[row]];
      const uint32_t next =
          node.left +
          (block[node.column + static_cast<uint32_t>(row)] < node.threshold
               ? 0u
               : 1u);
      moved |= next ^ place[row];
      place[row] = next;
    }
    if (moved == 0) break;  // All are at leaves.
  }
  for (int row = 0; row < kLinkedRows; ++row)
    sums[row] += forest.linked_values[place[row]];
}

AddComplete* const* KernelsOf(TreeSimd simd) {
#if defined(__x86_64__)
  if (simd == TreeSimd::kAvx512) return avx512::kAdd;
  if (simd == TreeSimd::kAvx2) return avx2::kAdd;
#else
  (void)simd;
#endif
  return sse2::kAdd;
}

}  // namespace

static_assert(std::size(sse2::kAdd) == Forest::kMaxCompleteDepth + 1);
static_assert(kBlockRows % kLinkedRows == 0 && kBlockRows % sse2::kRows == 0);

TreeSimd BestTreeSimd() {
#if defined(__x86_64__)
  static const TreeSimd best =
      __builtin_cpu_supports("avx512f") != 0 &&
              __builtin_cpu_supports("avx512dq") != 0 &&
              __builtin_cpu_supports("avx512vl") != 0
          ? TreeSimd::kAvx512
      : __builtin_cpu_supports("avx2") != 0 ? TreeSimd::kAvx2
                                            : TreeSimd::kSse2;
  return best;
#else
  return TreeSimd::kSse2;
#endif
}

int MaxCompleteDepth(TreeSimd simd) {
  switch (simd) {
    case TreeSimd::kSse2:
      return 5;
    case TreeSimd::kAvx2:
      return 7;
    case TreeSimd::kAvx512:
      break;
  }
  return Forest::kMaxCompleteDepth;
}

void AddTrees(TreeSimd simd, const Forest& forest, const float* block, int rows,
              float* sums) {
  AddComplete* const* const kernels = KernelsOf(simd);
  for (const ForestTree& tree : forest.trees) {
    float* const group = sums + tree.group * kBlockRows;
    if (tree.complete) {
      kernels[tree.depth](forest.complete.data() + tree.nodes,
                          forest.leaves.data() + tree.leaves, block, rows,
                          group);
      continue;
    }
    for (int row = 0; row < rows; row += kLinkedRows)
      AddLinked(forest, tree, block + row, group + row);
  }
}

}  // namespace troupe::model
