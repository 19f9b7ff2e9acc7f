#include "services/model/fitted_model.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/model/constant_model.h"
#include "services/table/serialize.h"

namespace troupe::model {
namespace {

constexpr int kFormat = 1;

absl::Status CheckLabels(const FittedModel& model) {
  const int labels = model.labels.size();
  switch (model.objective.task) {
    case Task::kRegression:
      return labels == 0 ? absl::OkStatus()
                         : ArtifactCorrupt("a regression has labels");
    case Task::kBinary:
      return labels == 2 ? absl::OkStatus()
                         : ArtifactCorrupt("a binary model needs two labels");
    case Task::kMulticlass:
      return labels >= 2 && labels <= kMaxClasses
                 ? absl::OkStatus()
                 : ArtifactCorrupt("too few or too many labels");
  }
  return ArtifactCorrupt("an unknown task");
}

absl::Status CheckFeatures(const std::vector<std::string>& features) {
  absl::flat_hash_set<absl::string_view> names;
  for (const std::string& feature : features)
    if (!names.insert(feature).second)
      return ArtifactCorrupt("a feature occurs twice");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const FittedModel>> LoadFittedModel(
    const std::string& bytes, int predict_threads) {
  pb::ModelArtifact artifact;
  if (!artifact.ParseFromString(bytes))
    return ArtifactCorrupt("it is no model artifact");
  if (artifact.format() != kFormat)
    return ArtifactCorrupt(absl::StrCat("it has the format ", artifact.format(),
                                        "; known is ", kFormat));
  auto model = std::make_shared<FittedModel>();
  absl::StatusOr<Objective> objective = FindObjective(artifact.objective());
  if (!objective.ok() || objective->name != artifact.objective())
    return ArtifactCorrupt("its objective is unknown");
  model->objective = *std::move(objective);
  if (model->objective.classifies()) {
    ASSIGN_OR_RETURN(
        model->labels,
        LabelSet::FromNames(
            artifact.label_type(),
            {artifact.labels().begin(), artifact.labels().end()},
            {artifact.label_values().begin(), artifact.label_values().end()}));
  } else if (artifact.labels_size() > 0) {
    return ArtifactCorrupt("a regression has labels");
  }
  RETURN_IF_ERROR(CheckLabels(*model));
  model->features.assign(artifact.features().begin(),
                         artifact.features().end());
  RETURN_IF_ERROR(CheckFeatures(model->features));
  model->constant = artifact.constant();
  RETURN_IF_ERROR(
      CheckConstant(model->constant, model->objective, model->labels.size()));
  absl::StatusOr<const BackendKind*> kind = Backends().Find(artifact.backend());
  if (!kind.ok())
    return ArtifactCorrupt(absl::StrCat("no backend \"", artifact.backend(),
                                        "\" is built into this model service"));
  ASSIGN_OR_RETURN(model->backend,
                   (*kind)->Load(artifact, model->objective, predict_threads));
  return model;
}

absl::StatusOr<std::string> StoreFittedModel(const ModelPlan& plan,
                                             const TrainingSet& set,
                                             const std::string& target,
                                             FitResult result) {
  pb::ModelArtifact artifact;
  artifact.set_format(kFormat);
  artifact.set_backend(plan.backend);
  artifact.set_objective(plan.objective.name);
  if (plan.objective.classifies()) artifact.set_label_type(set.labels.type());
  *artifact.mutable_labels() = {set.labels.names().begin(),
                                set.labels.names().end()};
  *artifact.mutable_label_values() = {set.labels.values().begin(),
                                      set.labels.values().end()};
  *artifact.mutable_features() = {set.features.begin(), set.features.end()};
  artifact.set_target(target);
  *artifact.mutable_constant() = set.constant;
  artifact.set_rounds(result.rounds);
  artifact.set_library(std::move(result.library));
  artifact.set_model(std::move(result.model));
  return Serialize(artifact);
}

}  // namespace troupe::model
