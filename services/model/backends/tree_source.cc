#include "services/model/backends/tree_source.h"

#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "services/base/status_macros.h"
#include "services/model/backends/ubjson.h"

namespace troupe::model {
namespace {

const UbjValue& At(const UbjValue& object, absl::string_view name) {
  return *object.Find(name);  // CheckXgboostModel saw that it is there.
}

absl::StatusOr<SourceTree> ReadTree(const UbjValue& tree) {
  const UbjValue& left = At(tree, "left_children");
  const UbjValue& right = At(tree, "right_children");
  const UbjValue& feature = At(tree, "split_indices");
  const UbjValue& value = At(tree, "split_conditions");
  const UbjValue& missing_left = At(tree, "default_left");
  SourceTree source;
  std::vector<int64_t> places = {0};  // In `tree`, of each node.
  source.nodes.resize(1);
  for (size_t i = 0; i < places.size(); ++i) {
    const int64_t place = places[i];
    SourceNode node;
    node.value = static_cast<float>(value.RealAt(place));
    if (!std::isfinite(node.value))
      return absl::UnimplementedError("a number in a tree is not finite");
    if (left.IntegerAt(place) >= 0) {
      node.feature = static_cast<int32_t>(feature.IntegerAt(place));
      node.missing_left = missing_left.IntegerAt(place) != 0;
      node.left = static_cast<int32_t>(places.size());
      node.right = node.left + 1;
      places.push_back(left.IntegerAt(place));
      places.push_back(right.IntegerAt(place));
      source.nodes.resize(places.size());
    }
    source.nodes[i] = node;
  }
  return source;
}

}  // namespace

absl::StatusOr<SourceTrees> ReadSourceTrees(absl::string_view ubjson) {
  ASSIGN_OR_RETURN(const UbjValue root, ParseUbjson(ubjson));
  const UbjValue& learner = At(root, "learner");
  SourceTrees source;
  const absl::string_view base_score =
      At(At(learner, "learner_model_param"), "base_score").text;
  if (!absl::SimpleAtof(base_score, &source.base_score) ||
      !std::isfinite(source.base_score))
    return absl::UnimplementedError("the base score is not finite");
  const UbjValue& model = At(At(learner, "gradient_booster"), "model");
  const UbjValue& groups = At(model, "tree_info");
  const UbjValue& trees = At(model, "trees");
  for (size_t i = 0; i < trees.items.size(); ++i) {
    ASSIGN_OR_RETURN(SourceTree tree, ReadTree(trees.items[i]));
    tree.group =
        static_cast<int32_t>(groups.IntegerAt(static_cast<int64_t>(i)));
    source.trees.push_back(std::move(tree));
  }
  return source;
}

}  // namespace troupe::model
