#include "services/preprocessor/transform.h"

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/registry.h"
#include "services/base/status_macros.h"
#include "services/preprocessor/transforms/transforms.h"

namespace troupe::preprocessor {
namespace {

const Registry<TransformFactory>& Transforms() {
  static const auto* const transforms = [] {
    auto* all = new Registry<TransformFactory>("transform");
    all->Add("bucketize", MakeBucketize);
    all->Add("cast", MakeCast);
    all->Add("clip", MakeClip);
    all->Add("date_parts", MakeDateParts);
    all->Add("drop", MakeDrop);
    all->Add("impute", MakeImpute);
    all->Add("keep", MakeKeep);
    all->Add("log1p", MakeLog1p);
    all->Add("min_max", MakeMinMax);
    all->Add("one_hot", MakeOneHot);
    all->Add("ordinal", MakeOrdinal);
    all->Add("rename", MakeRename);
    all->Add("robust", MakeRobust);
    all->Add("standardize", MakeStandardize);
    return all;
  }();
  return *transforms;
}

}  // namespace

absl::Status Transform::CheckOptions(absl::string_view) const {
  return absl::OkStatus();
}

absl::Status Transform::CheckColumn(const Field&, absl::string_view) const {
  return absl::OkStatus();
}

Needs Transform::NeedsOf(const Field&) const { return {}; }

void Transform::RejectRows(const Field&, const Column&, RowRejects&) const {}

absl::StatusOr<pb::FittedColumn> Transform::Fit(
    const Field&, const Summary&, absl::string_view,
    std::vector<std::string>&) const {
  return pb::FittedColumn();
}

std::string StepName(const pb::Step& step) {
  // The oneof's fields are named as the file names the steps.
  const auto* kinds = pb::Step::descriptor()->FindOneofByName("kind");
  const auto* set =
      pb::Step::GetReflection()->GetOneofFieldDescriptor(step, kinds);
  return set == nullptr ? "" : set->name();
}

absl::StatusOr<std::unique_ptr<const Transform>> MakeTransform(
    const pb::Step& step, absl::string_view path) {
  if (!step.stage().empty())
    return BadSpec(path, absl::StrCat("stage \"", step.stage(),
                                      "\" is another service's step"));
  const std::string name = StepName(step);
  if (name.empty()) return BadSpec(path, "the step says nothing to do");
  ASSIGN_OR_RETURN(const TransformFactory factory, Transforms().Find(name));
  std::unique_ptr<const Transform> transform = factory(step);
  RETURN_IF_ERROR(transform->CheckOptions(absl::StrCat(path, ".", name)));
  return transform;
}

}  // namespace troupe::preprocessor
