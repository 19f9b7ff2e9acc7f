#include "services/model/backends/tree_forest.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace troupe::model {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr size_t kMaxPlaces = size_t{1} << 31;
// A complete tree this much larger than the one it stands for is slower.
constexpr size_t kMaxFilling = 8;

// Of each node, its distance from the root; the nodes' order makes it a walk.
int DepthOf(const SourceTree& tree) {
  std::vector<int> depth(tree.nodes.size(), 0);
  int deepest = 0;
  for (size_t i = 0; i < tree.nodes.size(); ++i) {
    const SourceNode& node = tree.nodes[i];
    deepest = std::max(deepest, depth[i]);
    if (node.leaf()) continue;
    depth[static_cast<size_t>(node.left)] = depth[i] + 1;
    depth[static_cast<size_t>(node.right)] = depth[i] + 1;
  }
  return deepest;
}

class Layout {
 public:
  explicit Layout(int max_complete_depth)
      : max_complete_depth_(max_complete_depth) {
    forest_.columns.emplace_back();
  }

  void Add(const SourceTree& tree) {
    ForestTree added;
    added.depth = DepthOf(tree);
    added.group = tree.group;
    added.complete =
        added.depth <= max_complete_depth_ &&
        (size_t{1} << added.depth) <= kMaxFilling * tree.nodes.size();
    if (added.complete) {
      added.nodes = static_cast<uint32_t>(forest_.complete.size());
      added.leaves = static_cast<uint32_t>(forest_.leaves.size());
      AddComplete(tree, 0, added.depth);
    } else {
      added.nodes = static_cast<uint32_t>(forest_.linked.size());
      AddLinked(tree);
    }
    forest_.trees.push_back(added);
  }

  bool TooLarge() const {
    return std::max({forest_.complete.size(), forest_.leaves.size(),
                     forest_.linked.size(),
                     forest_.columns.size() * kBlockRows}) > kMaxPlaces;
  }

  Forest Finish() && { return std::move(forest_); }

 private:
  uint32_t ColumnOf(const SourceNode& node) {
    const auto [found, added] =
        places_.try_emplace({node.feature, node.missing_left},
                            static_cast<uint32_t>(forest_.columns.size()));
    if (added) forest_.columns.push_back({node.feature, node.missing_left});
    return found->second * kBlockRows;
  }

  // `depth` levels from `place` on; a leaf above the last level is filled up
  // with nodes whose rows all go left, to copies of it.
  void AddComplete(const SourceTree& tree, int32_t place, int depth) {
    const SourceNode& node = tree.nodes[static_cast<size_t>(place)];
    if (depth == 0) {
      forest_.leaves.push_back(node.value);
      return;
    }
    forest_.complete.push_back(node.leaf()
                                   ? CompleteNode{kInfinity, 0}
                                   : CompleteNode{node.value, ColumnOf(node)});
    AddComplete(tree, node.leaf() ? place : node.left, depth - 1);
    AddComplete(tree, node.leaf() ? place : node.right, depth - 1);
  }

  void AddLinked(const SourceTree& tree) {
    const auto root = static_cast<uint32_t>(forest_.linked.size());
    for (size_t i = 0; i < tree.nodes.size(); ++i) {
      const SourceNode& node = tree.nodes[i];
      forest_.linked.push_back(
          node.leaf()
              ? LinkedNode{kInfinity, 0, root + static_cast<uint32_t>(i)}
              : LinkedNode{node.value, ColumnOf(node),
                           root + static_cast<uint32_t>(node.left)});
      forest_.linked_values.push_back(node.leaf() ? node.value : 0);
    }
  }

  const int max_complete_depth_;
  Forest forest_;
  absl::flat_hash_map<std::pair<int32_t, bool>, uint32_t> places_;
};

}  // namespace

absl::StatusOr<Forest> LayOut(const SourceTrees& source,
                              int max_complete_depth) {
  Layout layout(max_complete_depth);
  for (const SourceTree& tree : source.trees) {
    layout.Add(tree);
    if (layout.TooLarge())
      return absl::UnimplementedError("the model has too many nodes");
  }
  return std::move(layout).Finish();
}

}  // namespace troupe::model
