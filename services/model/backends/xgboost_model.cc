#include "services/model/backends/xgboost_model.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/model/backends/ubjson.h"

namespace troupe::model {
namespace {

using Kind = UbjValue::Kind;

constexpr int64_t kMaxTrees = 10000000;

absl::StatusOr<const UbjValue*> Member(const UbjValue& value,
                                       absl::string_view name, Kind kind) {
  const UbjValue* const member = value.Find(name);
  if (member == nullptr || member->kind != kind)
    return ArtifactCorrupt(
        absl::StrCat("the model has no \"", name, "\" of the right kind"));
  return member;
}

// An array of whole numbers, of `count` entries unless that is negative.
absl::StatusOr<const UbjValue*> Integers(const UbjValue& value,
                                         absl::string_view name,
                                         int64_t count) {
  const UbjValue* const member = value.Find(name);
  if (member == nullptr || !member->IsIntegers() ||
      (count >= 0 && member->count != count))
    return ArtifactCorrupt(absl::StrCat("the model's \"", name,
                                        "\" is not as long as it must be"));
  return member;
}

// XGBoost writes the numbers of its parameters as text.
absl::StatusOr<int64_t> ReadCount(const UbjValue& params,
                                  absl::string_view name) {
  ASSIGN_OR_RETURN(const UbjValue* text, Member(params, name, Kind::kText));
  int64_t count = 0;
  if (!absl::SimpleAtoi(text->text, &count) || count < 0)
    return ArtifactCorrupt(
        absl::StrCat("the model's \"", name, "\" is no count"));
  return count;
}

absl::Status CheckVersion(const UbjValue& root) {
  ASSIGN_OR_RETURN(const UbjValue* version, Integers(root, "version", 3));
  const int64_t major = version->IntegerAt(0);
  const int64_t minor = version->IntegerAt(1);
  const bool known = (major == 1 && (minor == 6 || minor == 7)) ||
                     (major == 2 && minor <= 1) || (major == 3 && minor <= 1);
  if (known && minor >= 0) return absl::OkStatus();
  return ArtifactCorrupt(absl::StrCat("the model was made by XGBoost ", major,
                                      ".", minor, "; known are 1.6 to 3.1"));
}

// What every cell of a tree must hold; the arrays of one tree.
struct Tree {
  const UbjValue* left;
  const UbjValue* right;
  const UbjValue* feature;
  const UbjValue* parent;
  int64_t nodes;
};

// Follows the links from the root: each node is met once, so that there is no
// way round. Nodes that pruning cut off are met by nobody.
absl::Status CheckLinks(const Tree& tree, int64_t features) {
  std::vector<char> met(static_cast<size_t>(tree.nodes), 0);
  std::vector<int64_t> open = {0};
  met[0] = 1;
  while (!open.empty()) {
    const int64_t node = open.back();
    open.pop_back();
    const int64_t left = tree.left->IntegerAt(node);
    const int64_t right = tree.right->IntegerAt(node);
    if (left == -1 && right == -1) continue;
    const int64_t feature = tree.feature->IntegerAt(node);
    if (feature < 0 || feature >= features)
      return ArtifactCorrupt("a tree asks for a feature that does not exist");
    for (const int64_t child : {left, right}) {
      if (child <= 0 || child >= tree.nodes ||
          met[static_cast<size_t>(child)] != 0 ||
          tree.parent->IntegerAt(child) != node)
        return ArtifactCorrupt("the nodes of a tree are linked wrongly");
      met[static_cast<size_t>(child)] = 1;
      open.push_back(child);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTree(const UbjValue& value, int64_t index, int64_t features) {
  if (value.kind != Kind::kObject)
    return ArtifactCorrupt("a tree of the model is no object");
  ASSIGN_OR_RETURN(const UbjValue* params,
                   Member(value, "tree_param", Kind::kObject));
  Tree tree{};
  ASSIGN_OR_RETURN(tree.nodes, ReadCount(*params, "num_nodes"));
  ASSIGN_OR_RETURN(const int64_t columns, ReadCount(*params, "num_feature"));
  ASSIGN_OR_RETURN(const UbjValue* id, Member(value, "id", Kind::kInteger));
  ASSIGN_OR_RETURN(const int64_t leaf, ReadCount(*params, "size_leaf_vector"));
  if (tree.nodes < 1 || leaf > 1 || columns != features || id->integer != index)
    return ArtifactCorrupt("a tree of the model is not of this model");
  ASSIGN_OR_RETURN(tree.left, Integers(value, "left_children", tree.nodes));
  ASSIGN_OR_RETURN(tree.right, Integers(value, "right_children", tree.nodes));
  ASSIGN_OR_RETURN(tree.feature, Integers(value, "split_indices", tree.nodes));
  ASSIGN_OR_RETURN(tree.parent, Integers(value, "parents", tree.nodes));
  RETURN_IF_ERROR(Integers(value, "default_left", tree.nodes).status());
  for (const char* name :
       {"base_weights", "loss_changes", "split_conditions", "sum_hessian"}) {
    ASSIGN_OR_RETURN(const UbjValue* numbers,
                     Member(value, name, Kind::kPacked));
    if (numbers->count != tree.nodes || numbers->IsIntegers())
      return ArtifactCorrupt("a tree's arrays are not of one length");
  }
  // The preprocessor makes numbers of categories, so no tree of ours has them.
  ASSIGN_OR_RETURN(const UbjValue* split,
                   Integers(value, "split_type", tree.nodes));
  for (int64_t i = 0; i < tree.nodes; ++i)
    if (split->IntegerAt(i) != 0)
      return ArtifactCorrupt("a tree splits by category");
  for (const char* name : {"categories", "categories_nodes",
                           "categories_segments", "categories_sizes"})
    RETURN_IF_ERROR(Integers(value, name, 0).status());
  return CheckLinks(tree, features);
}

absl::Status CheckTrees(const UbjValue& learner, int64_t groups,
                        int64_t features) {
  ASSIGN_OR_RETURN(const UbjValue* booster,
                   Member(learner, "gradient_booster", Kind::kObject));
  ASSIGN_OR_RETURN(const UbjValue* name, Member(*booster, "name", Kind::kText));
  if (name->text != "gbtree")
    return ArtifactCorrupt(absl::StrCat("the model is a \"", name->text,
                                        "\"; only gbtree is supported"));
  ASSIGN_OR_RETURN(const UbjValue* model,
                   Member(*booster, "model", Kind::kObject));
  ASSIGN_OR_RETURN(const UbjValue* params,
                   Member(*model, "gbtree_model_param", Kind::kObject));
  ASSIGN_OR_RETURN(const int64_t count, ReadCount(*params, "num_trees"));
  ASSIGN_OR_RETURN(const int64_t parallel,
                   ReadCount(*params, "num_parallel_tree"));
  ASSIGN_OR_RETURN(const UbjValue* trees,
                   Member(*model, "trees", Kind::kArray));
  if (count > kMaxTrees || parallel < 1 || parallel > count + 1 ||
      trees->count != count || count % (groups * parallel) != 0)
    return ArtifactCorrupt(
        "the model has another number of trees than it says");
  ASSIGN_OR_RETURN(const UbjValue* group, Integers(*model, "tree_info", count));
  for (int64_t i = 0; i < count; ++i) {
    if (group->IntegerAt(i) < 0 || group->IntegerAt(i) >= groups)
      return ArtifactCorrupt("a tree belongs to no class");
    RETURN_IF_ERROR(
        CheckTree(trees->items[static_cast<size_t>(i)], i, features));
  }
  // Where each round begins (since 2.0).
  if (const UbjValue* rounds = model->Find("iteration_indptr")) {
    if (!rounds->IsIntegers() || rounds->count < 1 ||
        rounds->IntegerAt(0) != 0 ||
        rounds->IntegerAt(rounds->count - 1) != count)
      return ArtifactCorrupt("the model's rounds are not its trees");
    for (int64_t i = 1; i < rounds->count; ++i)
      if (rounds->IntegerAt(i) < rounds->IntegerAt(i - 1))
        return ArtifactCorrupt("the model's rounds are out of order");
  }
  return absl::OkStatus();
}

absl::Status CheckParams(const UbjValue& params,
                         const ExpectedModel& expected) {
  ASSIGN_OR_RETURN(const int64_t features, ReadCount(params, "num_feature"));
  if (features != expected.features)
    return ArtifactCorrupt(absl::StrCat("the model has ", features,
                                        " features, the artifact names ",
                                        expected.features));
  ASSIGN_OR_RETURN(const int64_t classes, ReadCount(params, "num_class"));
  const bool right = expected.objective.task == Task::kMulticlass
                         ? classes == expected.labels
                         : classes <= 1;
  if (!right)
    return ArtifactCorrupt(absl::StrCat("the model has ", classes,
                                        " classes, the artifact names ",
                                        expected.labels, " labels"));
  if (params.Find("num_target") == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t targets, ReadCount(params, "num_target"));
  return targets <= 1 ? absl::OkStatus()
                      : ArtifactCorrupt("the model has several targets");
}

// The base score without brackets.
absl::StatusOr<absl::string_view> BareScore(absl::string_view written) {
  absl::string_view bare = written;
  if (absl::ConsumePrefix(&bare, "[") && !absl::ConsumeSuffix(&bare, "]"))
    bare = "";
  double score = 0;
  if (!absl::SimpleAtod(bare, &score) || !std::isfinite(score))
    return ArtifactCorrupt("the model's base score is not one number");
  return bare;
}

// A length as UBJSON writes it: 'L' and eight bytes, the highest first.
std::string UbjLength(size_t length) {
  std::string text = "L";
  for (int shift = 56; shift >= 0; shift -= 8)
    text += static_cast<char>(static_cast<uint64_t>(length) >> shift & 0xff);
  return text;
}

}  // namespace

absl::StatusOr<std::string> CheckXgboostModel(const std::string& ubjson,
                                              const ExpectedModel& expected) {
  // XGBoost guesses the format from the first bytes; this is UBJSON's guess.
  if (ubjson.size() < 2 || ubjson[0] != '{' || ubjson[1] != 'L')
    return ArtifactCorrupt("the model is no UBJSON");
  ASSIGN_OR_RETURN(const UbjValue root, ParseUbjson(ubjson));
  RETURN_IF_ERROR(CheckVersion(root));
  ASSIGN_OR_RETURN(const UbjValue* learner,
                   Member(root, "learner", Kind::kObject));
  ASSIGN_OR_RETURN(const UbjValue* objective,
                   Member(*learner, "objective", Kind::kObject));
  ASSIGN_OR_RETURN(const UbjValue* name,
                   Member(*objective, "name", Kind::kText));
  if (name->text != expected.objective.name)
    return ArtifactCorrupt("the model has another objective than the artifact");
  ASSIGN_OR_RETURN(const UbjValue* params,
                   Member(*learner, "learner_model_param", Kind::kObject));
  RETURN_IF_ERROR(CheckParams(*params, expected));
  const int64_t groups =
      expected.objective.task == Task::kMulticlass ? expected.labels : 1;
  RETURN_IF_ERROR(CheckTrees(*learner, groups, expected.features));
  ASSIGN_OR_RETURN(const UbjValue* score,
                   Member(*params, "base_score", Kind::kText));
  ASSIGN_OR_RETURN(const absl::string_view bare, BareScore(score->text));
  if (bare == score->text) return ubjson;
  // The length before the text is 'L' and eight bytes, as XGBoost writes it.
  const size_t begin = static_cast<size_t>(score->text.data() - ubjson.data());
  if (begin < 10 || ubjson[begin - 9] != 'L' || ubjson[begin - 10] != 'S')
    return ArtifactCorrupt("the model's base score is written oddly");
  return absl::StrCat(ubjson.substr(0, begin - 9), UbjLength(bare.size()), bare,
                      ubjson.substr(begin + score->text.size()));
}

}  // namespace troupe::model
