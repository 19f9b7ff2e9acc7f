#include "services/preprocessor/column_selector.h"

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "services/base/errors.h"

namespace troupe::preprocessor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SelectionScope Scope() {
  SelectionScope scope;
  scope.features = {{"age", pb::INT64},     {"income", pb::FLOAT64},
                    {"plan", pb::STRING},   {"active", pb::BOOL},
                    {"us*ge", pb::FLOAT64}, {"usage", pb::FLOAT64}};
  scope.others = {{"y", pb::INT64, pb::TARGET}};
  return scope;
}

absl::StatusOr<std::vector<std::string>> Select(const std::string& text,
                                                const SelectionScope& scope,
                                                bool optional = false) {
  pb::Selector selector;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &selector));
  const auto selection =
      SelectColumns(selector, optional, scope, "steps[1].clip.columns");
  if (!selection.ok()) return selection.status();
  if (!selection->mistakes.empty()) return Together(selection->mistakes);
  std::vector<std::string> names;
  for (size_t i = 0; i < scope.features.size(); ++i)
    if (selection->matched[i]) names.push_back(scope.features[i].name);
  return names;
}

TEST(ColumnSelector, FindsNamesInTableOrder) {
  EXPECT_THAT(*Select("names: 'income' names: 'age'", Scope()),
              ElementsAre("age", "income"));
}

TEST(ColumnSelector, FindsGlobs) {
  EXPECT_THAT(*Select("names: 'a*'", Scope()), ElementsAre("age", "active"));
  EXPECT_THAT(*Select("names: '?lan'", Scope()), ElementsAre("plan"));
}

TEST(ColumnSelector, TakesAGlobLiterallyWhereThereIsSuchAColumn) {
  EXPECT_THAT(*Select("names: 'us*ge'", Scope()), ElementsAre("us*ge"));
}

TEST(ColumnSelector, FindsByType) {
  EXPECT_THAT(*Select("type: NUMBER", Scope()),
              ElementsAre("age", "income", "us*ge", "usage"));
  EXPECT_THAT(*Select("type: TEXT", Scope()), ElementsAre("plan"));
  EXPECT_THAT(*Select("type: BOOLEAN", Scope()), ElementsAre("active"));
}

TEST(ColumnSelector, ExceptTakesAway) {
  EXPECT_THAT(*Select("except: 'u*' except: 'age'", Scope()),
              ElementsAre("income", "plan", "active"));
  EXPECT_THAT(*Select("type: NUMBER except: 'u*'", Scope()),
              ElementsAre("age", "income"));
}

TEST(ColumnSelector, UnknownNameIsRefusedWithTheNearest) {
  const auto names = Select("names: 'aeg'", Scope());
  EXPECT_EQ(ReasonOf(names.status()), "UNKNOWN_COLUMN");
  EXPECT_THAT(std::string(names.status().message()), HasSubstr("\"age\""));
  EXPECT_EQ(MetadataOf(names.status()).at("field"), "steps[1].clip.columns[0]");
}

TEST(ColumnSelector, UnknownExceptionIsRefusedToo) {
  EXPECT_EQ(ReasonOf(Select("except: 'aeg'", Scope()).status()),
            "UNKNOWN_COLUMN");
}

TEST(ColumnSelector, SaysThatTheTargetIsNoFeature) {
  EXPECT_THAT(std::string(Select("names: 'y'", Scope()).status().message()),
              HasSubstr("is the target"));
}

TEST(ColumnSelector, GlobWithoutMatchIsRefusedUnlessOptional) {
  EXPECT_EQ(ReasonOf(Select("names: 'z*'", Scope()).status()), "NO_COLUMN");
  EXPECT_THAT(*Select("names: 'z*' optional: true", Scope()), IsEmpty());
  EXPECT_THAT(*Select("names: 'zz'", Scope(), true), IsEmpty());
}

TEST(ColumnSelector, EmptySelectorIsRefused) {
  EXPECT_EQ(ReasonOf(Select("", Scope()).status()), "BAD_SPEC");
}

TEST(ColumnSelector, NamesThatMayYetComeAreNoError) {
  SelectionScope scope = Scope();
  scope.unknown = {{"plan_", true}};
  EXPECT_THAT(*Select("names: 'plan_pro' names: 'age'", scope),
              ElementsAre("age"));
  EXPECT_EQ(ReasonOf(Select("names: 'plam_pro'", scope).status()),
            "UNKNOWN_COLUMN");
}

TEST(ColumnSelector, GlobThatMayBecomeANameIsUndecided) {
  SelectionScope scope = Scope();
  scope.unknown = {{"plan_", true}};
  pb::Selector selector;
  selector.add_names("plan_*");
  EXPECT_TRUE(SelectColumns(selector, false, scope, "")->undecided);
  selector.set_names(0, "plan*");
  EXPECT_FALSE(SelectColumns(selector, false, scope, "")->undecided);
}

TEST(ColumnSelector, TellsEveryUnknownNameAtItsPlace) {
  const absl::Status status =
      Select("names: 'aeg' names: 'age' names: 'incme' except: 'x'", Scope())
          .status();
  EXPECT_EQ(MetadataAt(MetadataOf(status), "field", 0),
            "steps[1].clip.columns[0]");
  EXPECT_EQ(MetadataAt(MetadataOf(status), "field", 1),
            "steps[1].clip.columns[2]");
  EXPECT_EQ(MetadataAt(MetadataOf(status), "field", 2),
            "steps[1].clip.columns.except[0]");
}

}  // namespace
}  // namespace troupe::preprocessor
