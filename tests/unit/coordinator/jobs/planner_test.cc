#include "client/coordinator/jobs/planner.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

using ::testing::HasSubstr;

pb::PipelineSpec ValidSpec() {
  pb::PipelineSpec spec;
  spec.set_name("churn");
  spec.mutable_source()->set_path("churn.csv");
  spec.mutable_roles()->set_target("churned");
  spec.mutable_model()->mutable_xgboost()->set_objective("binary");
  return spec;
}

pb::Schema Columns(const std::vector<std::string>& names) {
  pb::Schema schema;
  for (const std::string& name : names) {
    schema.add_fields()->set_name(name);
    schema.mutable_fields()->rbegin()->set_type(pb::FLOAT64);
  }
  return schema;
}

std::string FieldOf(const absl::Status& status) {
  return MetadataOf(status)["field"];
}

// "name:ROLE name:ROLE".
std::string RolesOf(const pb::Schema& schema) {
  std::string text;
  for (const pb::Field& field : schema.fields())
    text += field.name() + ":" + pb::ColumnRole_Name(field.role()) + " ";
  return text;
}

TEST(CheckSpec, TakesAValidSpec) {
  EXPECT_TRUE(CheckSpec(ValidSpec()).ok()) << CheckSpec(ValidSpec());
}

TEST(CheckSpec, NamesTheWrongField) {
  const std::vector<
      std::pair<std::string, std::function<void(pb::PipelineSpec&)>>>
      cases = {
          {"name", [](auto& s) { s.clear_name(); }},
          {"name", [](auto& s) { s.set_name("a b"); }},
          {"name", [](auto& s) { s.set_name(std::string(65, 'a')); }},
          {"roles.target", [](auto& s) { s.clear_roles(); }},
          {"split.test", [](auto& s) { s.mutable_split()->set_test(1); }},
          {"split.test", [](auto& s) { s.mutable_split()->set_test(NAN); }},
          {"split.validation",
           [](auto& s) { s.mutable_split()->set_validation(-0.1); }},
          {"split",
           [](auto& s) {
             s.mutable_split()->set_test(0.5);
             s.mutable_split()->set_validation(0.5);
           }},
          {"source.max_rejects",
           [](auto& s) { s.mutable_source()->set_max_rejects(1.5); }},
          {"output.threshold",
           [](auto& s) { s.mutable_output()->set_threshold(1); }},
          {"output.format",
           [](auto& s) {
             s.mutable_output()->set_format(static_cast<pb::Format>(9));
           }},
          {"model.xgboost.early_stopping",
           [](auto& s) {
             s.mutable_model()->mutable_xgboost()->set_early_stopping(5);
           }},
          {"model", [](auto& s) { s.mutable_model()->clear_xgboost(); }},
          {"steps[0]", [](auto& s) { s.add_steps(); }},
          {"steps[0].stage",
           [](auto& s) { s.add_steps()->set_stage("model"); }},
      };
  for (const auto& [field, damage] : cases) {
    pb::PipelineSpec spec = ValidSpec();
    damage(spec);
    EXPECT_EQ(FieldOf(CheckSpec(spec)), field) << spec.ShortDebugString();
  }
}

TEST(PlanHops, JoinsConsecutiveStepsIntoOneHop) {
  pb::PipelineSpec spec = ValidSpec();
  spec.add_steps()->mutable_log1p();
  spec.add_steps()->mutable_clip();
  const std::vector<PlannedHop> hops = PlanHops(spec);
  ASSERT_EQ(hops.size(), 2u);
  EXPECT_EQ(hops[0].params.preprocessor().steps_size(), 2);
  EXPECT_TRUE(hops[0].makes_features());
  EXPECT_TRUE(hops[1].is_model());
}

TEST(PlanHops, GivesCustomStagesHopsOfTheirOwn) {
  pb::PipelineSpec spec = ValidSpec();
  spec.add_steps()->mutable_log1p();
  spec.add_steps()->set_stage("feature");
  spec.add_steps()->mutable_clip();
  const std::vector<PlannedHop> hops = PlanHops(spec);
  ASSERT_EQ(hops.size(), 4u);
  EXPECT_FALSE(hops[0].makes_features());
  EXPECT_EQ(hops[1].stage, "feature");
  EXPECT_EQ(hops[2].first_step, 2);
  EXPECT_TRUE(hops[2].makes_features());
}

TEST(PlanHops, MakesFeaturesWhereNoStepIsLeft) {
  pb::PipelineSpec spec = ValidSpec();
  spec.add_steps()->set_stage("feature");
  const std::vector<PlannedHop> hops = PlanHops(spec);
  ASSERT_EQ(hops.size(), 3u);
  EXPECT_EQ(hops[1].params.preprocessor().steps_size(), 0);
  EXPECT_TRUE(hops[1].makes_features());
}

TEST(PlanHops, EndsAtTheFeaturesWithoutAModel) {
  pb::PipelineSpec spec = ValidSpec();
  spec.clear_model();
  ASSERT_EQ(PlanHops(spec).size(), 1u);
}

TEST(InSpecPaths, CountsStepsAsTheFileDoes) {
  PlannedHop hop;
  hop.params.mutable_preprocessor();
  hop.first_step = 2;
  const absl::Status status =
      InSpecPaths(BadSpec("preprocessor.steps[1].clip.min", "is wrong"), hop);
  EXPECT_EQ(FieldOf(status), "steps[3].clip.min");
  EXPECT_EQ(status.message(), "steps[3].clip.min: is wrong");
  EXPECT_EQ(FieldOf(InSpecPaths(BadSpec("steps[0].impute", ""), hop)),
            "steps[2].impute");
}

TEST(InSpecPaths, KnowsTheModelsBlocks) {
  PlannedHop hop;
  hop.params.mutable_model();
  EXPECT_EQ(FieldOf(InSpecPaths(BadSpec("model.xgboost.rounds", ""), hop)),
            "model.xgboost.rounds");
  EXPECT_EQ(FieldOf(InSpecPaths(BadSpec("model.split.test", ""), hop)),
            "split.test");
}

TEST(InSpecPaths, PutsCustomParametersBelowTheirStep) {
  PlannedHop hop;
  hop.params.mutable_custom();
  hop.first_step = 1;
  EXPECT_EQ(FieldOf(InSpecPaths(BadSpec("custom.window", ""), hop)),
            "steps[1].params.window");
}

TEST(AssignRoles, GivesEveryColumnItsRole) {
  pb::Roles roles;
  roles.set_target("y");
  roles.set_weight("w");
  roles.add_carry("id_*");
  roles.add_drop("notes");
  const auto schema =
      AssignRoles(Columns({"id_1", "x", "y", "notes", "w", "id_2"}), roles);
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(RolesOf(*schema),
            "id_1:CARRY x:FEATURE y:TARGET w:WEIGHT id_2:CARRY ");
}

TEST(AssignRoles, CarriesTextWhateverItLooksLike) {
  pb::Schema source = Columns({"id", "x"});
  source.mutable_fields(0)->set_type(pb::INT64);
  pb::Roles roles;
  roles.add_carry("id");
  const auto schema = AssignRoles(source, roles);
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(schema->fields(0).type(), pb::STRING);
}

TEST(AssignRoles, NamesTheNearestColumn) {
  pb::Roles roles;
  roles.set_target("chrned");
  const absl::Status status =
      AssignRoles(Columns({"age", "churned"}), roles).status();
  EXPECT_EQ(ReasonOf(status), "UNKNOWN_COLUMN");
  EXPECT_EQ(FieldOf(status), "roles.target");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("did you mean \"churned\"?"));
}

TEST(AssignRoles, RefusesTwoRolesForOneColumn) {
  pb::Roles roles;
  roles.set_target("y");
  roles.add_carry("y");
  EXPECT_EQ(FieldOf(AssignRoles(Columns({"y"}), roles).status()),
            "roles.carry[0]");
}

TEST(AssignRoles, LetsAGlobTakeWhatIsLeft) {
  pb::Roles roles;
  roles.set_target("y");
  roles.add_carry("*");
  roles.add_drop("x");
  const auto schema = AssignRoles(Columns({"x", "y", "z"}), roles);
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(RolesOf(*schema), "y:TARGET z:CARRY ");
}

TEST(AssignRoles, RefusesAGlobThatMatchesNothing) {
  pb::Roles roles;
  roles.add_drop("z*");
  EXPECT_EQ(FieldOf(AssignRoles(Columns({"x"}), roles).status()),
            "roles.drop[0]");
}

TEST(MergeSource, TakesTheNewPathsFormat) {
  pb::Source stored, changes;
  stored.set_path("a.csv.gz");
  stored.set_format(pb::CSV);
  stored.set_compression(pb::GZIP);
  stored.mutable_csv()->set_delimiter(";");
  changes.set_path("b.jsonl");
  const pb::Source merged = MergeSource(stored, changes);
  EXPECT_EQ(merged.path(), "b.jsonl");
  EXPECT_EQ(merged.format(), pb::FORMAT_UNSPECIFIED);
  EXPECT_EQ(merged.compression(), pb::COMPRESSION_UNSPECIFIED);
  EXPECT_EQ(merged.csv().delimiter(), ";");
}

TEST(MergeSource, KeepsTheFormatOfAPathWithoutEnding) {
  pb::Source stored, changes;
  stored.set_format(pb::CSV);
  changes.set_path("data");
  EXPECT_EQ(MergeSource(stored, changes).format(), pb::CSV);
}

TEST(MergeSource, TakesBackWhatIsNotAsByDefault) {
  pb::Source stored, changes;
  stored.mutable_csv()->set_skip_rows(2);
  stored.mutable_csv()->set_escape("\\");
  stored.mutable_csv()->set_comment("#");
  stored.mutable_csv()->set_thousands(".");
  stored.mutable_csv()->set_encoding("latin-1");
  changes.mutable_csv()->set_skip_rows(0);
  changes.mutable_csv()->set_escape("");
  changes.mutable_csv()->set_comment("");
  changes.mutable_csv()->set_thousands("");
  EXPECT_EQ(MergeSource(stored, changes).csv().ShortDebugString(),
            "comment: \"\" escape: \"\" encoding: \"latin-1\" skip_rows: 0 "
            "thousands: \"\"");
}

// A list is one option; it has no member that could be meant to stay.
TEST(MergeSource, ReplacesLists) {
  pb::Source stored, changes;
  stored.mutable_csv()->add_na_values("-1");
  stored.mutable_csv()->add_true_values("ja");
  changes.mutable_csv()->add_na_values("-9");
  EXPECT_EQ(MergeSource(stored, changes).csv().ShortDebugString(),
            "na_values: \"-9\" true_values: \"ja\"");
}

// The format is said beside the type, and a type without one is ISO 8601.
TEST(MergeSource, ANewTypeDoesNotKeepTheOldFormat) {
  pb::Source stored, changes;
  for (const std::string column : {"a", "b", "c"}) {
    (*stored.mutable_types())[column] = pb::TIMESTAMP;
    (*stored.mutable_time_formats())[column] = "%d.%m.%Y";
  }
  (*changes.mutable_types())["a"] = pb::STRING;
  (*changes.mutable_types())["b"] = pb::DATE;
  (*changes.mutable_time_formats())["b"] = "%Y%m%d";
  const pb::Source merged = MergeSource(stored, changes);
  EXPECT_EQ(merged.types().at("a"), pb::STRING);
  EXPECT_FALSE(merged.time_formats().contains("a"));
  EXPECT_EQ(merged.time_formats().at("b"), "%Y%m%d");
  EXPECT_EQ(merged.time_formats().at("c"), "%d.%m.%Y");
}

}  // namespace
}  // namespace troupe
