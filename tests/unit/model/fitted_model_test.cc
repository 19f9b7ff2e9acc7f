// Artifacts are hostile until everything in them agrees.
#include "services/model/fitted_model.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "services/base/errors.h"
#include "tests/unit/model/model_testing.h"

namespace troupe::model {
namespace {

using ::testing::HasSubstr;

pb::ModelArtifact Fitted(const std::string& objective) {
  Model model(TestOptions());
  const bool numbers = objective == "regression";
  const auto response =
      FitTable(model,
               R"({"model":{"xgboost":{"objective":")" + objective +
                   R"(","rounds":3,"params":{"min_child_weight":0}}}})",
               LineTable(numbers ? Column::FromDoubles({1, 5, 2, 9})
                                 : Texts({"a", "a", "b", "b"})));
  EXPECT_TRUE(response.ok()) << response.status();
  pb::ModelArtifact artifact;
  EXPECT_TRUE(artifact.ParseFromString(response->artifact));
  return artifact;
}

absl::StatusOr<std::shared_ptr<const FittedModel>> Load(
    const pb::ModelArtifact& artifact) {
  return LoadFittedModel(artifact.SerializeAsString(), 1);
}

// One prediction: whatever loads must also predict without harm.
absl::Status PredictOnce(const FittedModel& model) {
  DenseMatrix row;
  row.rows = 2;
  row.values.assign(2 * model.features.size() * sizeof(float), '\0');
  return model.backend->Predict(row).status();
}

// The 'L' length of a text as UBJSON has it.
std::string Ubj(const std::string& text) {
  return std::string("L") + std::string(7, '\0') +
         static_cast<char>(text.size()) + text;
}

// Puts `value` (with its marker) where the member `name` has `old`.
pb::ModelArtifact Edit(pb::ModelArtifact artifact, const std::string& name,
                       const std::string& old, const std::string& value) {
  std::string& bytes = *artifact.mutable_model();
  const size_t at = bytes.find(Ubj(name) + old);
  EXPECT_NE(at, std::string::npos) << name;
  if (at != std::string::npos)
    bytes.replace(at + Ubj(name).size(), old.size(), value);
  return artifact;
}

pb::ModelArtifact EditText(const pb::ModelArtifact& artifact,
                           const std::string& name, const std::string& old,
                           const std::string& value) {
  return Edit(artifact, name, "S" + Ubj(old), "S" + Ubj(value));
}

TEST(FittedModel, LoadsWhatWasStored) {
  const auto model = Load(Fitted("binary"));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ((*model)->features, (std::vector<std::string>{"x", "z"}));
  EXPECT_TRUE(PredictOnce(**model).ok());
}

TEST(FittedModel, RefusesArtifactsThatDisagreeWithThemselves) {
  const pb::ModelArtifact good = Fitted("multiclass");
  const auto load = [&](auto change) {
    pb::ModelArtifact artifact = good;
    change(artifact);
    return ReasonOf(Load(artifact).status());
  };
  const std::string corrupt = "ARTIFACT_CORRUPT";
  EXPECT_EQ(load([](auto&) {}), "");
  EXPECT_EQ(load([](auto& a) { a.set_format(2); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.set_backend("onnx"); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.set_objective("rank:ndcg"); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.set_objective("binary:logistic"); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.set_objective("reg:squarederror"); }),
            corrupt);
  EXPECT_EQ(load([](auto& a) { a.add_labels("c"); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.set_labels(0, "z"); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.set_label_type(pb::INT64); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.add_features("q"); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.set_features(0, "z"); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.mutable_constant()->set_class_rows(0, -4); }),
            corrupt);
  EXPECT_EQ(load([](auto& a) { a.mutable_constant()->add_class_weights(1); }),
            corrupt);
  for (const double weight : {-1.0, 0.0, double{NAN}, double{INFINITY}})
    EXPECT_EQ(load([&](auto& a) {
                for (int i = 0; i < a.labels_size(); ++i)
                  a.mutable_constant()->add_class_weights(weight);
              }),
              corrupt);
  EXPECT_EQ(load([](auto& a) { a.mutable_constant()->clear_class_rows(); }),
            corrupt);
  EXPECT_EQ(load([](auto& a) { a.set_model(""); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.set_model("{\"learner\":{}}"); }), corrupt);
  EXPECT_EQ(load([](auto& a) { a.set_model("binf"); }), corrupt);
}

TEST(FittedModel, RefusesLabelsThatTheTreesDoNotHave) {
  pb::ModelArtifact artifact = Fitted("multiclass");
  artifact.add_labels("c");
  artifact.mutable_constant()->add_class_rows(1);
  const absl::Status status = Load(artifact).status();
  EXPECT_THAT(status.message(), HasSubstr("2 classes"));
}

TEST(XgboostModel, RefusesOtherBoosters) {
  EXPECT_THAT(Load(EditText(Fitted("binary"), "name", "gbtree", "gblinear"))
                  .status()
                  .message(),
              HasSubstr("only gbtree"));
}

TEST(XgboostModel, RefusesUnknownVersions) {
  pb::ModelArtifact artifact = Fitted("binary");
  std::string& bytes = *artifact.mutable_model();
  const size_t at = bytes.find(Ubj("version"));
  ASSERT_NE(at, std::string::npos);
  bytes[bytes.find('i', at + Ubj("version").size()) + 1] = 9;
  EXPECT_THAT(Load(artifact).status().message(), HasSubstr("XGBoost 9."));
}

TEST(XgboostModel, RewritesTheBaseScoreOf31) {
  // Without the rewrite, XGBoost 1.7 and 3.0 read 0.5 and predict other values.
  const pb::ModelArtifact plain =
      EditText(Fitted("regression"), "base_score", "5E-1", "2.5E-1");
  const pb::ModelArtifact bracketed =
      EditText(Fitted("regression"), "base_score", "5E-1", "[2.5E-1]");
  DenseMatrix row = Features({"x", "z"}, {1, 0});
  const auto expected = (*Load(plain))->backend->Predict(row);
  const auto model = Load(bracketed);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(*(*model)->backend->Predict(row), *expected);
  const auto half = Load(Fitted("regression"));
  EXPECT_NEAR((*expected)[0] + 0.25, (*(*half)->backend->Predict(row))[0],
              1e-6);
}

TEST(XgboostModel, RefusesOtherBaseScores) {
  for (const char* score : {"[1,2]", "[", "[1", "1]", "x", "nan", ""})
    EXPECT_EQ(ReasonOf(Load(EditText(Fitted("regression"), "base_score", "5E-1",
                                     score))
                           .status()),
              "ARTIFACT_CORRUPT")
        << score;
}

// The packed array of int32 `name` of the first tree; its first entry becomes
// `value`.
pb::ModelArtifact EditFirst(pb::ModelArtifact artifact, const std::string& name,
                            int32_t value) {
  std::string& bytes = *artifact.mutable_model();
  const size_t at = bytes.find(Ubj(name) + "[$l#L");
  EXPECT_NE(at, std::string::npos) << name;
  const size_t begin = at + Ubj(name).size() + 5 + 8;
  for (size_t i = 0; i < 4; ++i)
    bytes[begin + i] =
        static_cast<char>(static_cast<uint32_t>(value) >> (24 - 8 * i));
  return artifact;
}

TEST(XgboostModel, RefusesTreesThatPointOutside) {
  const pb::ModelArtifact good = Fitted("binary");
  for (const auto& [name, value] :
       {std::pair<std::string, int32_t>{"split_indices", 2},
        {"split_indices", 1 << 30},
        {"left_children", 1 << 20},
        {"left_children", 0},
        {"left_children", -5},
        {"right_children", 1}})
    EXPECT_EQ(ReasonOf(Load(EditFirst(good, name, value)).status()),
              "ARTIFACT_CORRUPT")
        << name << " " << value;
}

TEST(XgboostModel, RefusesCountsThatAreNotTrue) {
  const pb::ModelArtifact good = Fitted("binary");
  for (const auto& edited : {EditText(good, "num_trees", "3", "9"),
                             EditText(good, "num_nodes", "3", "2"),
                             EditText(good, "num_feature", "2", "1"),
                             EditText(good, "num_feature", "2", "-"),
                             EditText(good, "num_parallel_tree", "1", "0"),
                             EditText(good, "num_class", "0", "7")})
    EXPECT_EQ(ReasonOf(Load(edited).status()), "ARTIFACT_CORRUPT");
}

TEST(XgboostModel, RefusesDeepAndEndlessBytes) {
  pb::ModelArtifact artifact = Fitted("binary");
  artifact.set_model("{L" + std::string(7, '\0') + "\x01x" +
                     std::string(100000, '['));
  EXPECT_THAT(Load(artifact).status().message(), HasSubstr("too deep"));
  artifact.set_model("{L\x7f\xff\xff\xff\xff\xff\xff\xff");
  EXPECT_THAT(Load(artifact).status().message(), HasSubstr("beyond its end"));
}

TEST(XgboostModel, SurvivesEveryTruncation) {
  const pb::ModelArtifact good = Fitted("binary");
  for (size_t bytes = 0; bytes < good.model().size(); ++bytes) {
    pb::ModelArtifact artifact = good;
    artifact.mutable_model()->resize(bytes);
    EXPECT_FALSE(Load(artifact).ok()) << bytes;
  }
}

TEST(XgboostModel, SurvivesEveryByteChanged) {
  const pb::ModelArtifact good = Fitted("multiclass");
  std::mt19937 random(1);
  for (size_t at = 0; at < good.model().size(); ++at) {
    pb::ModelArtifact artifact = good;
    char& byte = (*artifact.mutable_model())[at];
    byte = static_cast<char>(byte ^ (1 + random() % 255));
    const auto model = Load(artifact);
    if (model.ok()) PredictOnce(**model).IgnoreError();
    if (model.ok()) (*model)->backend->Importance().status().IgnoreError();
  }
}

}  // namespace
}  // namespace troupe::model
