#include "services/model/backends/xgboost_fit.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/model/backends/xgboost_handles.h"
#include "services/model/backends/xgboost_matrix.h"
#include "services/model/early_stopping.h"

namespace troupe::model {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

bool IsConstraint(absl::string_view name) {
  return absl::EndsWith(name, "_constraints");
}

const std::string* Find(const Parameters& parameters, absl::string_view name) {
  for (const auto& [key, value] : parameters)
    if (key == name) return &value;
  return nullptr;
}

// XGBoost itself does not always check the numbers of features.
absl::Status CheckConstraints(const ModelPlan& plan, int64_t features) {
  const absl::Status wrong =
      BadSpec("model.xgboost.params",
              absl::StrCat("a constraint names a feature beyond the ", features,
                           " that the model sees"));
  if (const std::string* groups =
          Find(plan.parameters, "interaction_constraints")) {
    for (const absl::string_view word :
         absl::StrSplit(*groups, absl::ByAnyChar("[],"), absl::SkipEmpty())) {
      int64_t feature = 0;
      if (!absl::SimpleAtoi(word, &feature) || feature >= features)
        return wrong;
    }
  }
  if (const std::string* signs =
          Find(plan.parameters, "monotone_constraints")) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(*signs, absl::ByAnyChar("(),"), absl::SkipEmpty());
    if (static_cast<int64_t>(words.size()) > features) return wrong;
  }
  return absl::OkStatus();
}

// All that XGBoost is told. What has other defaults in 1.7 than in 3.0 is told
// always, so that both learn the same; absolute errors begin at the median in
// both.
Parameters AllParameters(const ModelPlan& plan, int labels, int threads) {
  Parameters all = {{"objective", plan.objective.name},
                    {"tree_method", "hist"},
                    {"seed", absl::StrCat(plan.seed)},
                    {"nthread", absl::StrCat(threads)},
                    {"verbosity", "0"}};
  if (Find(plan.parameters, "base_score") == nullptr &&
      plan.objective.name != "reg:absoluteerror")
    all.emplace_back("base_score", "0.5");
  if (plan.objective.task == Task::kMulticlass)
    all.emplace_back("num_class", absl::StrCat(labels));
  if (!plan.metric.empty()) all.emplace_back("eval_metric", plan.metric);
  all.insert(all.end(), plan.parameters.begin(), plan.parameters.end());
  return all;
}

// The last number of a line like "[3]\tvalidation-auc:0.97".
absl::StatusOr<double> WatchedScore(const Booster& booster, int round,
                                    const Matrix& validation) {
  DMatrixHandle matrix = validation.get();
  const char* name = "validation";
  const char* text = nullptr;
  RETURN_IF_ERROR(CheckXgboost(
      XGBoosterEvalOneIter(booster.get(), round, &matrix, &name, 1, &text),
      "evaluate the validation rows"));
  const absl::string_view line(text);
  const size_t colon = line.rfind(':');
  double score = 0;
  if (colon == absl::string_view::npos ||
      !absl::SimpleAtod(line.substr(colon + 1), &score))
    return absl::InternalError("XGBoost's evaluation cannot be read");
  return score;
}

absl::StatusOr<std::string> SaveRounds(const Booster& booster, int rounds,
                                       bool slice) {
  Booster sliced;
  if (slice) {
    BoosterHandle handle = nullptr;
    RETURN_IF_ERROR(
        CheckXgboost(XGBoosterSlice(booster.get(), 0, rounds, 1, &handle),
                     "cut the model to its best round"));
    sliced.reset(handle);
  }
  bst_ulong bytes = 0;
  const char* text = nullptr;
  RETURN_IF_ERROR(CheckXgboost(
      XGBoosterSaveModelToBuffer(slice ? sliced.get() : booster.get(),
                                 "{\"format\":\"ubj\"}", &bytes, &text),
      "store the model"));
  return std::string(text, bytes);
}

absl::StatusOr<Booster> MakeBooster(const ModelPlan& plan, int labels,
                                    int threads, const Matrix& train,
                                    const Matrix& validation) {
  const DMatrixHandle matrices[] = {train.get(), validation.get()};
  ASSIGN_OR_RETURN(Booster booster,
                   NewBooster(matrices, validation == nullptr ? 1 : 2));
  for (const auto& [name, value] : AllParameters(plan, labels, threads))
    RETURN_IF_ERROR(SetParameter(booster, name, value));
  return booster;
}

}  // namespace

absl::Status TryParameters(const ModelPlan& tried) {
  ModelPlan plan = tried;
  Parameters kept;
  for (const auto& parameter : plan.parameters)
    if (!IsConstraint(parameter.first)) kept.push_back(parameter);
  plan.parameters = std::move(kept);
  const float values[] = {0, 1, 2, 3};
  const bool classes = plan.objective.classifies();
  TrainingRows rows;
  rows.targets = {classes ? 0.0 : 0.5, 1, classes ? 0.0 : 0.5, 1};
  DMatrixHandle handle = nullptr;
  RETURN_IF_ERROR(CheckXgboost(
      XGDMatrixCreateFromDense(ArrayInterface(values, 4, 1, "<f4").c_str(),
                               "{\"missing\":NaN,\"nthread\":1}", &handle),
      "make a matrix"));
  const Matrix matrix(handle);
  RETURN_IF_ERROR(SetTargets(handle, rows));
  ASSIGN_OR_RETURN(const Booster booster,
                   MakeBooster(plan, 2, 1, matrix, nullptr));
  RETURN_IF_ERROR(
      CheckXgboost(XGBoosterUpdateOneIter(booster.get(), 0, handle), "learn"));
  return WatchedScore(booster, 0, matrix).status();
}

absl::StatusOr<FitResult> FitTrees(const ModelPlan& plan, TrainingSet& set,
                                   const FitRun& run) {
  RETURN_IF_ERROR(
      CheckConstraints(plan, static_cast<int64_t>(set.features.size())));
  const std::string* const bins = Find(plan.parameters, "max_bin");
  ASSIGN_OR_RETURN(
      const Matrix train,
      BinnedMatrix(set.train, bins == nullptr ? "256" : *bins, run.threads));
  Matrix validation;
  const bool watched = plan.early_stopping > 0;
  if (watched) {
    ASSIGN_OR_RETURN(validation, PlainMatrix(set.validation, run.threads));
  }
  ASSIGN_OR_RETURN(
      const Booster booster,
      MakeBooster(plan, set.labels.size(), run.threads, train, validation));
  EarlyStopping stopping(plan.early_stopping, plan.higher_is_better);
  bool stopped = false;
  for (int round = 0; round < plan.rounds && !stopped; ++round) {
    if (run.context->cancelled())
      return MakeError(
          absl::StatusCode::kCancelled, "CALLER_LEFT",
          absl::StrCat("training was cancelled after ", round, " rounds"));
    RETURN_IF_ERROR(CheckXgboost(
        XGBoosterUpdateOneIter(booster.get(), round, train.get()), "learn"));
    run.on_round(round + 1);
    if (!watched) continue;
    ASSIGN_OR_RETURN(const double score,
                     WatchedScore(booster, round, validation));
    stopped = stopping.Stop(score);
  }
  FitResult result;
  result.library = XgboostVersionText();
  result.rounds = watched ? stopping.best_round() + 1 : plan.rounds;
  if (watched) result.best_score = stopping.best_score();
  if (watched && !stopped)
    result.warnings.push_back(
        absl::StrCat("the validation metric still got better within the last ",
                     plan.early_stopping, " of ", plan.rounds,
                     " rounds; more rounds may help"));
  ASSIGN_OR_RETURN(
      result.model,
      SaveRounds(booster, result.rounds,
                 watched && result.rounds < stopping.rounds_seen()));
  return result;
}

}  // namespace troupe::model
