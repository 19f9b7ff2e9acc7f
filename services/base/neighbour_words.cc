#include "services/base/neighbour_words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace troupe {
namespace {

// Ours, and what others call it. A word may stand in several rows: what it
// means depends on which of ours are possible.
struct Word {
  absl::string_view ours;
  absl::string_view theirs;  // Separated by spaces.
};

// clang-format off
constexpr Word kWords[] = {
    {"name", "title model_name pipeline pipeline_name id"},
    {"source", "data dataset input train file table training_data data_source"},
    {"roles", "role column_roles"},
    {"steps",
     "step preprocessing preprocessor transformers transforms transform "
     "pipeline features pipeline_steps"},
    {"model", "estimator classifier regressor learner algorithm final_estimator"},
    {"split", "train_test_split splits validation cv holdout"},
    {"output", "outputs result results predictions"},
    {"path",
     "file filename file_name filepath file_path filepath_or_buffer url uri "
     "location data csv_file"},
    {"format", "type file_type file_format filetype"},
    {"compression", "compress"},
    {"types", "dtype dtypes schema type column_types"},
    {"on_bad_row", "on_bad_lines error_bad_lines bad_rows errors on_error"},
    {"max_rejects", "max_errors max_bad_records maxerror"},
    {"delimiter", "sep separator delim field_delimiter column_separator"},
    {"decimal", "decimal_point decimal_separator dec"},
    {"quote", "quotechar quote_char"},
    {"escape", "escapechar escape_char"},
    {"comment", "comment_char"},
    {"na_values",
     "na na_value missing missing_values null_values nulls nan_values "
     "na_strings"},
    {"keep_default_na", "na_filter"},
    {"skip_rows", "skip skiprows skip_lines"},
    {"names", "columns column_names header_names"},
    {"header", "has_header first_row_header"},
    {"thousands", "thousands_separator"},
    {"encoding", "charset"},
    {"skip_initial_space", "skipinitialspace trim strip_whitespace"},
    {"target",
     "label y outcome response dependent target_column target_name "
     "label_column class predict"},
    {"weight", "weights sample_weight sample_weights weight_column"},
    {"carry",
     "id ids id_column index index_col key keys passthrough keep keep_cols "
     "ignore_features"},
    {"drop",
     "ignore exclude remove skip drop_columns ignored_features "
     "columns_to_drop delete"},
    {"impute", "SimpleImputer imputer imputation fillna fill_na fill missing"},
    {"standardize",
     "StandardScaler scaler scale standard standard_scaler zscore z_score "
     "standardise standardization"},
    {"min_max",
     "MinMaxScaler minmax min_max_scaler normalize normalise normalization "
     "MaxAbsScaler"},
    {"robust", "RobustScaler robust_scaler robust_scale"},
    {"one_hot",
     "OneHotEncoder onehot one_hot_encoder get_dummies dummies dummy encode "
     "encoder categorical one_hot_encoding"},
    {"ordinal",
     "OrdinalEncoder LabelEncoder label_encode label_encoder ordinal_encoder "
     "encode integer_encode"},
    {"bucketize",
     "KBinsDiscretizer discretize discretizer bin binning bins cut qcut "
     "kbins bucket buckets"},
    {"clip", "clamp winsorize limit"},
    {"log1p", "log ln log_transform FunctionTransformer"},
    {"cast", "astype convert as_type to_type"},
    {"rename", "rename_columns"},
    {"keep", "select select_columns usecols filter"},
    {"date_parts", "date dates datetime date_features DatetimeFeatures extract_date"},
    {"columns",
     "cols column col fields features feature subset variables on apply_to "
     "names"},
    {"strategy", "method how"},
    {"fill_value", "value constant_value"},
    {"indicator", "add_indicator missing_indicator"},
    {"with_mean", "center centre centering mean"},
    {"with_std", "scale std"},
    {"quantile_low", "quantile_range q_low"},
    {"quantile_high", "quantile_range q_high"},
    {"min", "lower low a_min minimum feature_range"},
    {"max", "upper high a_max maximum feature_range"},
    {"min_frequency", "min_count min_freq rare_threshold"},
    {"max_categories", "max_levels top_n limit"},
    {"unknown", "handle_unknown unknown_categories"},
    {"unknown_value", "default_value"},
    {"missing_value", "encoded_missing_value"},
    {"categories", "order levels values mapping"},
    {"bins", "n_bins num_bins nbins q k"},
    {"encode", "encoding"},
    {"parts", "features components attributes"},
    {"to", "dtype type as"},
    {"except", "exclude without but"},
    {"mean", "average avg"},
    {"most_frequent", "mode most_common frequent"},
    {"constant", "const fixed value fill"},
    {"quantile", "quantiles equal_frequency"},
    {"uniform", "equal_width width"},
    {"ignore", "skip zero zeros"},
    {"infrequent", "infrequent_if_exist rare other"},
    {"error", "accuracy acc misclassification"},
    {"use_value", "use_encoded_value value"},
    {"nothing", "none no false"},
    {"reject", "skip ignore drop warn skip_row discard"},
    {"fail", "error raise strict"},
    {"fill", "pad"},
    {"number", "numeric numerical num int int64 integer float float64 double numbers"},
    {"string", "str text object category categorical varchar char strings"},
    {"bool", "boolean logical"},
    {"int64", "int integer int32 int16 int8 bigint long number"},
    {"float64", "float double float32 number numeric decimal real"},
    {"timestamp", "datetime datetime64 time date_time"},
    {"date", "datetime time timestamp dates"},
    {"jsonl", "json ndjson json_lines jsonlines"},
    {"csv", "txt text"},
    {"gzip", "gz"},
    {"zstd", "zst"},
    {"xgboost",
     "xgb XGBClassifier XGBRegressor gbm gbdt lightgbm lgbm LGBMClassifier "
     "LGBMRegressor catboost gradient_boosting GradientBoostingClassifier "
     "GradientBoostingRegressor HistGradientBoostingClassifier "
     "HistGradientBoostingRegressor random_forest RandomForestClassifier "
     "RandomForestRegressor boosting trees"},
    {"baseline", "DummyClassifier DummyRegressor dummy constant"},
    {"objective",
     "loss task problem problem_type application objective_function "
     "criterion"},
    {"rounds",
     "n_estimators num_boost_round num_round num_rounds num_iterations "
     "num_iteration n_iter iterations nrounds ntrees num_trees n_trees trees "
     "max_iter epochs boosting_rounds estimators"},
    {"max_depth", "depth tree_depth maxdepth"},
    {"learning_rate", "eta lr shrinkage shrinkage_rate step_size"},
    {"early_stopping", "early_stopping_rounds early_stopping_round patience n_iter_no_change"},
    {"metric", "eval_metric metrics scoring evaluation_metric score"},
    {"class_weight", "class_weights is_unbalance auto_class_weights weights"},
    {"seed", "random_state random_seed rng seed_value"},
    {"params", "parameters hyperparameters kwargs extra options"},
    {"regression",
     "regressor reg linear squared_error squarederror mse rmse l2 "
     "mean_squared_error reg:linear continuous"},
    {"absolute", "mae l1 absolute_error mean_absolute_error reg:mae quantile"},
    {"count", "poisson counts"},
    {"binary",
     "classification classifier classify logistic binary_classification "
     "logloss binary_crossentropy two_class"},
    {"multiclass",
     "classification classifier classify softmax softprob multi multi_class "
     "multiclass_classification categorical categorical_crossentropy"},
    {"auc", "roc_auc roc rocauc area_under_curve"},
    {"logloss", "log_loss neg_log_loss binary_logloss cross_entropy binary_crossentropy"},
    {"mlogloss", "multi_logloss categorical_crossentropy"},
    {"rmse",
     "mse root_mean_squared_error l2 mean_squared_error "
     "neg_root_mean_squared_error"},
    {"mae", "mean_absolute_error l1"},
    {"balanced", "auto true inverse"},
    {"test", "test_size holdout test_share test_fraction test_ratio"},
    {"validation",
     "val valid validation_size validation_fraction val_size eval dev "
     "validation_share"},
    {"probabilities", "predict_proba proba probability probs return_probabilities"},
    {"threshold", "cutoff decision_threshold"},
};
// clang-format on

std::string Plain(absl::string_view word) {
  std::string plain;
  for (const char c : word)
    if (c != '_' && c != '-' && c != ' ')
      plain += absl::ascii_tolower(static_cast<unsigned char>(c));
  return plain;
}

}  // namespace

std::vector<std::string> NeighbourWords(
    absl::string_view word, const std::vector<std::string>& candidates) {
  const std::string wanted = Plain(word);
  std::vector<std::string> found;
  for (const Word& entry : kWords) {
    const std::vector<std::string> theirs =
        absl::StrSplit(entry.theirs, absl::ByAnyChar(" \n"));
    const bool known = std::any_of(
        theirs.begin(), theirs.end(),
        [&](const std::string& other) { return Plain(other) == wanted; });
    if (!known) continue;
    for (const std::string& candidate : candidates)
      if (Plain(candidate) == Plain(entry.ours)) found.push_back(candidate);
  }
  return found;
}

}  // namespace troupe
