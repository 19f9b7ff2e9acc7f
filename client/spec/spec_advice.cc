#include "client/spec/spec_advice.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/pb.h"
#include "services/base/nearest.h"
#include "services/base/neighbour_words.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// XGBoost's own parameters, which stand below `params`.
constexpr absl::string_view kBoosterParameters =
    "booster gamma min_child_weight max_delta_step subsample sampling_method "
    "colsample_bytree colsample_bylevel colsample_bynode lambda alpha "
    "tree_method scale_pos_weight updater refresh_leaf process_type "
    "grow_policy max_leaves max_bin num_parallel_tree monotone_constraints "
    "interaction_constraints base_score tweedie_variance_power "
    "huber_slope quantile_alpha rate_drop skip_drop sample_type "
    "normalize_type one_drop feature_selector top_k";

struct Renamed {
  absl::string_view theirs;
  absl::string_view parameter;
};

// What scikit-learn's interface and LightGBM call them.
constexpr Renamed kRenamed[] = {
    {"reg_alpha", "alpha"},
    {"lambda_l1", "alpha"},
    {"reg_lambda", "lambda"},
    {"lambda_l2", "lambda"},
    {"l2_regularization", "lambda"},
    {"min_split_gain", "gamma"},
    {"min_gain_to_split", "gamma"},
    {"min_split_loss", "gamma"},
    {"min_child_samples", "min_child_weight"},
    {"min_data_in_leaf", "min_child_weight"},
    {"min_samples_leaf", "min_child_weight"},
    {"num_leaves", "max_leaves"},
    {"max_leaf_nodes", "max_leaves"},
    {"bagging_fraction", "subsample"},
    {"feature_fraction", "colsample_bytree"},
    {"colsample", "colsample_bytree"},
    {"max_features", "colsample_bynode"},
    {"max_bins", "max_bin"},
    {"boosting", "booster"},
    {"boosting_type", "booster"},
};

// What nobody needs to say.
constexpr absl::string_view kNotNeeded =
    "n_jobs nthread num_threads thread_count threads verbosity verbose silent "
    "device gpu_id task_type num_class num_classes enable_categorical "
    "use_label_encoder importance_type missing validate_parameters "
    "callbacks sparse sparse_output copy dtype inplace engine low_memory "
    "memory_map infer_datetime_format";

// What comes in another form; also from issues of later versions.
struct Advice {
  absl::string_view key;
  absl::string_view sentence;
};
constexpr Advice kAdvice[] = {
    {"usecols", "name the columns that are not wanted under roles.drop"},
    {"parse_dates", "source.types says it: types: {NAME: date}"},
    {"date_format",
     "source.types says it: types: {NAME: {date: \"%d.%m.%Y\"}}"},
    {"categorical_features", "a step one_hot or ordinal names them"},
    {"categorical_feature", "a step one_hot or ordinal names them"},
    {"cat_features", "a step one_hot or ordinal names them"},
    {"feature_range", "min and max say it"},
    {"quantile_range", "quantile_low and quantile_high say it"},
    {"unit_norm", "standardize or min_max come nearest"},
    {"shuffle", "rows are divided by a hash of their number; seed changes it"},
    {"train", "it is what split.test and split.validation leave"},
    {"train_size", "it is what split.test and split.validation leave"},
    {"features",
     "features are all columns that roles does not name; drop the "
     "others under roles.drop"},
};

bool Holds(absl::string_view words, absl::string_view word) {
  for (const absl::string_view one : absl::StrSplit(words, ' '))
    if (one == word) return true;
  return false;
}

std::vector<std::string> NamesOf(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i)
    names.push_back(type.field(i)->name());
  return names;
}

// Every place of the file that is one map, and what it may hold.
struct Place {
  std::string path;
  const Descriptor* type;
};
void AddPlaces(const std::string& path, const Descriptor& type,
               std::vector<Place>& places) {
  if (!path.empty()) places.push_back({path, &type});
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.is_repeated() || field.message_type() == nullptr ||
        !absl::StartsWith(field.message_type()->full_name(), "troupe."))
      continue;
    AddPlaces(
        path.empty() ? field.name() : absl::StrCat(path, ".", field.name()),
        *field.message_type(), places);
  }
}

// Where a key of that name, or what others call so, belongs.
std::string OtherPlace(absl::string_view key, absl::string_view path) {
  static const auto* const places = [] {
    auto* all = new std::vector<Place>;
    AddPlaces("", *pb::PipelineSpec::descriptor(), *all);
    all->push_back({"", pb::PipelineSpec::descriptor()});
    // What is nearer to the one that was written comes first.
    return all;
  }();
  for (const bool exact : {true, false}) {
    const Place* best = nullptr;
    std::string name;
    for (const Place& place : *places) {
      const std::vector<std::string> names = NamesOf(*place.type);
      std::string found;
      if (exact) {
        if (std::find(names.begin(), names.end(), key) != names.end())
          found = std::string(key);
      } else if (const auto ours = NeighbourWords(key, names); !ours.empty()) {
        found = ours[0];
      }
      const bool below = absl::StartsWith(place.path, path);
      if (found.empty() ||
          (best != nullptr && (!below || absl::StartsWith(best->path, path))))
        continue;
      best = &place;
      name = found;
    }
    if (best == nullptr) continue;
    const std::string where = best->path.empty()
                                  ? "at the beginning of a line of its own"
                                  : absl::StrCat("below ", best->path);
    return exact ? absl::StrCat("; it belongs ", where)
                 : absl::StrCat("; it is called \"", name, "\" and belongs ",
                                where);
  }
  return "";
}

}  // namespace

std::string AdviceFor(absl::string_view key, absl::string_view path,
                      const Descriptor& type) {
  const std::string lower = absl::AsciiStrToLower(key);
  const std::vector<std::string> names = NamesOf(type);
  const bool booster = type.full_name() == "troupe.v1.XgboostSpec" ||
                       absl::StartsWith(path, "model");
  if (booster && Holds(kBoosterParameters, lower))
    return absl::StrCat(
        "; XGBoost's own parameters stand below "
        "model.xgboost.params: {",
        lower, ": ...}");
  for (const Renamed& renamed : kRenamed)
    if (booster && renamed.theirs == lower)
      return absl::StrCat("; XGBoost calls it ", renamed.parameter,
                          ", and it stands below model.xgboost.params: {",
                          renamed.parameter, ": ...}");
  // A key of ours that is written almost so, or otherwise elsewhere.
  if (!NeighbourWords(key, names).empty()) return "";
  if (Holds(kNotNeeded, lower)) return "; leave it out, nothing here needs it";
  for (const Advice& advice : kAdvice)
    if (advice.key == lower) return absl::StrCat("; ", advice.sentence);
  if (!NearestName(key, names).empty()) return "";
  return OtherPlace(lower, path);
}

}  // namespace troupe
