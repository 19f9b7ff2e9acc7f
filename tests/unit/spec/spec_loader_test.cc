#include "client/spec/spec_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "client/spec/spec_defaults.h"
#include "client/spec/spec_writer.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/base/errors.h"
#include "tests/testing/temp_dir.h"

namespace troupe {
namespace {

using google::protobuf::TextFormat;
using google::protobuf::util::MessageDifferencer;
using testing::HasSubstr;
using testing::StartsWith;

// Returns "" when `text` is read as the proto that `expected` states, defaults
// filled in.
std::string Difference(const std::string& text, const std::string& expected) {
  auto loaded = ParseSpec(text, "f.yaml");
  if (!loaded.ok()) return std::string(loaded.status().message());
  CompleteSpec(loaded->spec);
  pb::PipelineSpec wanted;
  if (!TextFormat::ParseFromString(expected, &wanted)) return "bad test";
  std::string difference;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  differencer.Compare(wanted, loaded->spec);
  return difference;
}

std::string Mistake(const std::string& text) {
  const auto loaded = ParseSpec(text, "f.yaml");
  return loaded.ok() ? "no mistake" : std::string(loaded.status().message());
}

constexpr char kExample[] = R"(name: churn
source:
  path: churn*.csv            # below the loader's roots
  format: csv                 # csv | tsv | jsonl
  csv: {delimiter: ",", decimal: ".", na_values: ["?"], keep_default_na: true}
  types: {customer_id: string, zip: string}
  on_bad_row: reject
roles:
  target: churned
  weight: null
  carry: [customer_id, signup_date]
  drop: [notes]
steps:
  - impute:      {columns: {type: number}, strategy: median, indicator: true}
  - log1p:       {columns: [income]}
  - standardize: {columns: [age, income, "usage_*"]}
  - impute:      {columns: [plan, city], strategy: most_frequent}
  - one_hot:     {columns: [plan, city], min_frequency: 10, unknown: ignore}
  - ordinal:     {columns: [size], categories: [S, M, L, XL], unknown: error}
model:
  xgboost: {objective: binary, rounds: 300, max_depth: 6, learning_rate: 0.1,
            early_stopping: 20, metric: auc, class_weight: balanced, seed: 7}
split: {test: 0.2, validation: 0.1, seed: 7}
output: {format: csv, probabilities: true}
)";

constexpr char kExampleProto[] = R"(
name: "churn"
source {
  path: "churn*.csv" format: CSV
  csv { delimiter: "," decimal: "." na_values: "?" keep_default_na: true }
  types { key: "customer_id" value: STRING }
  types { key: "zip" value: STRING }
  on_bad_row: REJECT
}
roles { target: "churned" carry: "customer_id" carry: "signup_date"
        drop: "notes" }
steps { impute { columns { type: NUMBER } strategy: MEDIAN indicator: true } }
steps { log1p { columns { names: "income" } } }
steps { standardize { columns { names: "age" names: "income"
                                names: "usage_*" } } }
steps { impute { columns { names: "plan" names: "city" }
                 strategy: MOST_FREQUENT } }
steps { one_hot { columns { names: "plan" names: "city" } min_frequency: 10
                  unknown: IGNORE } }
steps { ordinal { columns { names: "size" } categories: "S" categories: "M"
                  categories: "L" categories: "XL" unknown: ERROR } }
model { xgboost { objective: "binary" rounds: 300 max_depth: 6
                  learning_rate: 0.1 early_stopping: 20 metric: "auc"
                  class_weight: "balanced" seed: 7 } }
split { test: 0.2 validation: 0.1 seed: 7 }
output { format: CSV probabilities: true }
)";

// --- What is read ------------------------------------------------------------

TEST(SpecLoader, ReadsTheWholeExample) {
  EXPECT_EQ(Difference(kExample, kExampleProto), "");
}

TEST(SpecLoader, ReadsJsonLikeYaml) {
  EXPECT_EQ(Difference(
                "{\n\t\"name\": \"a\\u00e9\\/b\",\n\t\"steps\": [{\"log1p\": "
                "{\"columns\": \"all\"}}],\n\t\"split\": {\"test\": 0}}",
                R"(name: "a\303\251/b" steps { log1p { columns { all: true } } }
                          split { test: 0 })"),
            "");
}

TEST(SpecLoader, HoldsOutAFifthWhereNothingIsSaid) {
  EXPECT_EQ(Difference("name: a", "name: 'a' split { test: 0.2 }"), "");
  EXPECT_EQ(Difference("name: a\nsplit: {seed: 3}",
                       "name: 'a' split { test: 0.2 seed: 3 }"),
            "");
  EXPECT_EQ(Difference("name: a\nsplit: {test: null}",
                       "name: 'a' split { test: 0.2 }"),
            "");
  EXPECT_EQ(
      Difference("name: a\nsplit: {test: 0}", "name: 'a' split { test: 0 }"),
      "");
}

TEST(SpecLoader, AStoredVersionWithoutATestShareHeldOutNothing) {
  pb::PipelineSpec stored;
  stored.set_name("a");
  EXPECT_EQ(Difference(WriteSpec(stored), "name: 'a' split { test: 0 }"), "");
}

TEST(SpecLoader, TakesEveryFormOfASelector) {
  EXPECT_EQ(Difference(R"(
steps:
  - drop: {columns: age}
  - drop: {columns: [age, "u_*"]}
  - drop: {columns: all}
  - drop: {columns: [all]}
  - drop: {columns: {type: string}}
  - drop: {columns: {type: bool, optional: true}}
  - drop: {columns: {except: age}}
  - drop: {columns: {all: true, except: [a, b]}, optional: true}
)",
                       R"(
steps { drop { columns { names: "age" } } }
steps { drop { columns { names: "age" names: "u_*" } } }
steps { drop { columns { all: true } } }
steps { drop { columns { names: "all" } } }
steps { drop { columns { type: TEXT } } }
steps { drop { columns { type: BOOLEAN optional: true } } }
steps { drop { columns { except: "age" } } }
steps { drop { columns { all: true except: "a" except: "b" } optional: true } }
split { test: 0.2 })"),
            "");
}

TEST(SpecLoader, ReadsEveryKindOfStep) {
  EXPECT_EQ(Difference(R"(
steps:
  - impute: {columns: a, strategy: constant, fill_value: none, optional: true}
  - standardize: {columns: a, with_mean: false, with_std: true}
  - min_max: {columns: a, min: -1, max: 1e1, clip: true}
  - robust: {columns: a, with_centering: false, with_scaling: false,
             quantile_low: 10, quantile_high: 90.5, unit_variance: true}
  - one_hot: {columns: a, drop: if_binary, max_categories: 20,
              unknown: infrequent}
  - ordinal: {columns: a, unknown: use_value, unknown_value: -1,
              missing_value: -2}
  - bucketize: {columns: a, bins: 4, strategy: uniform, encode: one_hot}
  - clip: {columns: a, min: 0}
  - cast: {columns: a, to: float64}
  - rename: {columns: {old: new, 2010: year}}
  - keep: {columns: a}
  - date_parts: {columns: {type: date}, parts: [year, weekday]}
)",
                       R"(
steps { impute { columns { names: "a" } strategy: CONSTANT
                 fill_value { string_value: "none" } optional: true } }
steps { standardize { columns { names: "a" } with_mean: false with_std: true } }
steps { min_max { columns { names: "a" } min: -1 max: 10 clip: true } }
steps { robust { columns { names: "a" } with_centering: false
                 with_scaling: false quantile_low: 10 quantile_high: 90.5
                 unit_variance: true } }
steps { one_hot { columns { names: "a" } drop: IF_BINARY max_categories: 20
                  unknown: INFREQUENT } }
steps { ordinal { columns { names: "a" } unknown: USE_VALUE unknown_value: -1
                  missing_value: -2 } }
steps { bucketize { columns { names: "a" } bins: 4 strategy: UNIFORM
                    encode: ONE_HOT_CODE } }
steps { clip { columns { names: "a" } min: 0 } }
steps { cast { columns { names: "a" } to: FLOAT64 } }
steps { rename { columns { key: "old" value: "new" }
                 columns { key: "2010" value: "year" } } }
steps { keep { columns { names: "a" } } }
steps { date_parts { columns { type: POINT_IN_TIME } parts: YEAR
                     parts: WEEKDAY } }
split { test: 0.2 })"),
            "");
}

TEST(SpecLoader, AZeroThatIsGivenIsAZero) {
  const std::string proto =
      "steps { bucketize { columns { names: 'a' } bins: 0 } } "
      "steps { min_max { columns { names: 'a' } max: 0 } } "
      "model { xgboost { rounds: 0 max_depth: 0 learning_rate: 0 } } "
      "split { test: 0 }";
  EXPECT_EQ(Difference(R"(
steps:
  - bucketize: {columns: a, bins: 0}
  - min_max: {columns: a, max: 0}
model: {xgboost: {rounds: 0, max_depth: 0, learning_rate: 0}}
split: {test: 0}
)",
                       proto),
            "");
  pb::PipelineSpec spec;
  ASSERT_TRUE(TextFormat::ParseFromString(proto, &spec));
  EXPECT_EQ(Difference(WriteSpec(spec), proto), "") << WriteSpec(spec);
}

TEST(SpecLoader, ReadsHowTimesAreWritten) {
  constexpr char kProto[] = R"(
source { types { key: "a" value: DATE } types { key: "b" value: TIMESTAMP }
         types { key: "c" value: DATE }
         time_formats { key: "b" value: "%d/%m/%Y %H:%M" }
         time_formats { key: "c" value: "%y%m%d" } }
split { test: 0.2 })";
  EXPECT_EQ(Difference("source: {types: {a: date, b: {timestamp: \"%d/%m/%Y "
                       "%H:%M\"}, c: {date: \"%y%m%d\"}}}",
                       kProto),
            "");
  pb::PipelineSpec spec;
  ASSERT_TRUE(TextFormat::ParseFromString(kProto, &spec));
  EXPECT_EQ(Difference(WriteSpec(spec), kProto), "") << WriteSpec(spec);
  EXPECT_THAT(Mistake("source: {types: {a: {int64: x}}}"),
              HasSubstr("source.types.a: expects a type, {date: FORMAT} or"));
}

TEST(SpecLoader, TakesAStepWithoutParametersAndAModelWithout) {
  EXPECT_EQ(Difference("steps: [log1p, standardize:, {drop: {}}]\n"
                       "model: {xgboost: }",
                       "steps { log1p {} } steps { standardize {} } "
                       "steps { drop {} } model { xgboost {} } "
                       "split { test: 0.2 }"),
            "");
}

TEST(SpecLoader, ReadsAStageOfTheUsersOwn) {
  EXPECT_EQ(Difference(R"(
steps:
  - stage: feature
    params: {ratio: 0.5, names: [a, "1"], deep: {on: true, off: null}}
)",
                       R"(
steps { stage: "feature" params {
  fields { key: "ratio" value { number_value: 0.5 } }
  fields { key: "names" value { list_value {
    values { string_value: "a" } values { string_value: "1" } } } }
  fields { key: "deep" value { struct_value {
    fields { key: "on" value { bool_value: true } }
    fields { key: "off" value { null_value: NULL_VALUE } } } } }
} } split { test: 0.2 })"),
            "");
}

TEST(SpecLoader, ReadsOtherParametersOfXgboost) {
  EXPECT_EQ(
      Difference("model: {xgboost: {params: {gamma: 1, tree_method: hist, "
                 "extra: yes}}}",
                 R"(model { xgboost { params {
  fields { key: "gamma" value { number_value: 1 } }
  fields { key: "tree_method" value { string_value: "hist" } }
  fields { key: "extra" value { string_value: "yes" } } } } }
split { test: 0.2 })"),
      "");
}

TEST(SpecLoader, ReadsSharesInPercent) {
  EXPECT_EQ(Difference("source: {max_rejects: 1 %}\n"
                       "split: {test: 25%, validation: '5 %'}",
                       "source { max_rejects: 0.01 } "
                       "split { test: 0.25 validation: 0.05 }"),
            "");
}

TEST(SpecLoader, KeepsWordsAsTheyAreWritten) {
  EXPECT_EQ(Difference(R"(
name: 007
roles: {target: yes, carry: [1.50, true]}
steps: [{ordinal: {columns: a, categories: [no, 1e3, "null", ""]}}]
)",
                       R"(name: "007"
roles { target: "yes" carry: "1.50" carry: "true" }
steps { ordinal { columns { names: "a" } categories: "no" categories: "1e3"
                  categories: "null" categories: "" } }
split { test: 0.2 })"),
            "");
}

TEST(SpecLoader, ReadsNumbersOfEverySize) {
  EXPECT_EQ(
      Difference("model: {xgboost: {seed: 18446744073709551615, rounds: -1}}",
                 "model { xgboost { seed: 18446744073709551615 rounds: -1 } } "
                 "split { test: 0.2 }"),
      "");
}

TEST(SpecLoader, FollowsAliases) {
  EXPECT_EQ(Difference("steps:\n- drop: &d {columns: [a]}\n- keep: *d",
                       "steps { drop { columns { names: 'a' } } } "
                       "steps { keep { columns { names: 'a' } } } "
                       "split { test: 0.2 }"),
            "");
}

// --- What is refused ---------------------------------------------------------

TEST(SpecLoader, NamesTheNearestKey) {
  EXPECT_EQ(Mistake("name: a\nsteps:\n- log1p: {columns: a}\n"
                    "- stadardize: {columns: all}\n"),
            "f.yaml:4:3: unknown key \"stadardize\" in steps[1]; did you mean "
            "\"standardize\"?");
  EXPECT_EQ(Mistake("nmae: a"),
            "f.yaml:1:1: unknown key \"nmae\"; did you mean \"name\"?");
  EXPECT_EQ(Mistake("steps: [{clip: {columns: a, maxx: 3}}]"),
            "f.yaml:1:29: unknown key \"maxx\" in steps[0].clip; did you mean "
            "\"max\"?");
}

TEST(SpecLoader, ListsTheKeysWhereNoneIsNear) {
  EXPECT_EQ(Mistake("split: {fraction: 1}"),
            "f.yaml:1:9: unknown key \"fraction\" in split; one of test, "
            "validation, seed");
}

TEST(SpecLoader, NamesTheNearestValue) {
  EXPECT_EQ(Mistake("source:\n  format: cvs"),
            "f.yaml:2:11: source.format: no value \"cvs\"; did you mean "
            "\"csv\"?");
  EXPECT_EQ(Mistake("steps: [{drop: {columns: {type: words}}}]"),
            "f.yaml:1:33: steps[0].drop.columns.type: no value \"words\"; one "
            "of number, string, bool, date");
}

TEST(SpecLoader, KnowsNoWordsThatAreForTheWireOnly) {
  EXPECT_THAT(Mistake("source: {types: {a: float32}}"),
              HasSubstr("source.types.a: no value \"float32\""));
  EXPECT_THAT(Mistake("source: {types: {a: json}}"), HasSubstr("no value"));
  EXPECT_THAT(Mistake("source: {format: format_unspecified}"),
              HasSubstr("no value"));
  EXPECT_THAT(Mistake("source: {format: CSV}"),
              HasSubstr("did you mean \"csv\"?"));
}

struct WrongType {
  const char* text;
  const char* message;
};
class SpecLoaderWrongType : public testing::TestWithParam<WrongType> {};

TEST_P(SpecLoaderWrongType, IsRefusedAtItsPlace) {
  EXPECT_EQ(Mistake(GetParam().text), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Each, SpecLoaderWrongType,
    testing::Values(
        WrongType{"[a]",
                  "f.yaml:1:1: expects a pipeline, keys such as `name: churn`, "
                  "not a list"},
        WrongType{"hello",
                  "f.yaml:1:1: expects a pipeline, keys such as `name: churn`, "
                  "not \"hello\""},
        WrongType{"name: [a]", "f.yaml:1:7: name: expects a word, not a list"},
        WrongType{"source: a.csv",
                  "f.yaml:1:9: source: expects a map, not \"a.csv\""},
        WrongType{"steps: {drop: {}}",
                  "f.yaml:1:8: steps: expects a list, not a map"},
        WrongType{"steps: [[drop]]",
                  "f.yaml:1:9: steps[0]: expects a step such as `NAME: {...}`, "
                  "not a list"},
        WrongType{"steps:\n- ~\n- drop",
                  "f.yaml:2:3: steps[0]: expects a step such as `NAME: {...}`, "
                  "not nothing"},
        WrongType{"steps: [{drop: {columns: [[a]]}}]",
                  "f.yaml:1:27: steps[0].drop.columns[0]: expects a word, not "
                  "a list"},
        WrongType{"steps: [{impute: {indicator: yes}}]",
                  "f.yaml:1:30: steps[0].impute.indicator: expects true or "
                  "false, not \"yes\"; in YAML 1.2 that is a word: write true"},
        WrongType{"steps: [{impute: {indicator: \"true\"}}]",
                  "f.yaml:1:30: steps[0].impute.indicator: expects true or "
                  "false, not \"true\"; leave out the quotes"},
        WrongType{"steps: [{clip: {min: low}}]",
                  "f.yaml:1:22: steps[0].clip.min: expects a number, not "
                  "\"low\""},
        WrongType{"steps: [{clip: {min: .inf}}]",
                  "f.yaml:1:22: steps[0].clip.min: expects a number, not "
                  "\".inf\""},
        WrongType{"steps: [{clip: {min: inf}}]",
                  "f.yaml:1:22: steps[0].clip.min: expects a number, not "
                  "\"inf\""},
        WrongType{"steps: [{clip: {min: 1e999}}]",
                  "f.yaml:1:22: steps[0].clip.min: expects a number, not "
                  "\"1e999\""},
        WrongType{"steps: [{clip: {min: 5 %}}]",
                  "f.yaml:1:22: steps[0].clip.min: expects a number, not "
                  "\"5 %\""},
        WrongType{"model: {xgboost: {rounds: 1.5}}",
                  "f.yaml:1:27: model.xgboost.rounds: expects a whole number, "
                  "not \"1.5\""},
        WrongType{"model: {xgboost: {rounds: 3000000000}}",
                  "f.yaml:1:27: model.xgboost.rounds: expects a whole number, "
                  "not \"3000000000\""},
        WrongType{"model: {xgboost: {seed: -1}}",
                  "f.yaml:1:25: model.xgboost.seed: expects a whole number "
                  "from 0 on, not \"-1\""},
        WrongType{"model: {xgboost: {params: [a]}}",
                  "f.yaml:1:27: model.xgboost.params: expects a map, not a "
                  "list"},
        WrongType{"split: {test: a lot}",
                  "f.yaml:1:15: split.test: expects a share such as 0.01 or "
                  "1 %, not \"a lot\""},
        WrongType{"source: {types: [a]}",
                  "f.yaml:1:17: source.types: expects a map, not a list"},
        WrongType{"source: {types: {a: }}",
                  "f.yaml:1:18: source.types.a: expects a word, not nothing"},
        WrongType{"roles: {carry: {a: b}}",
                  "f.yaml:1:16: roles.carry: expects a list, not a map"},
        WrongType{"source: {csv: {na_values: [null]}}",
                  "f.yaml:1:28: source.csv.na_values[0]: nothing stands here; "
                  "for the word null write \"null\" in quotes"},
        WrongType{"steps: [{impute: {fill_value: 9007199254740993}}]",
                  "f.yaml:1:31: steps[0].impute.fill_value: 9007199254740993 "
                  "has more digits than can be kept; write it in quotes if it "
                  "is text"}));

struct Hinted {
  const char* text;
  const char* hint;
};
class SpecLoaderHints : public testing::TestWithParam<Hinted> {};

TEST_P(SpecLoaderHints, SayWhatToWrite) {
  EXPECT_THAT(Mistake(GetParam().text), HasSubstr(GetParam().hint));
}

INSTANTIATE_TEST_SUITE_P(
    Each, SpecLoaderHints,
    testing::Values(
        // Scalars of other dialects.
        Hinted{"model: {xgboost: {rounds: 1_000}}", "; write 1000"},
        Hinted{"model:\n  xgboost: {learning_rate: '0,1'}", "expects a number"},
        Hinted{"model:\n  xgboost:\n    learning_rate: 0,1", "; write 0.1"},
        Hinted{"model: {xgboost: {rounds: 1e2}}", "; write 100"},
        Hinted{"model: {xgboost: {rounds: \"5\"}}", "; leave out the quotes"},
        Hinted{"steps: [{impute: {indicator: off}}]", "write false"},
        Hinted{"source: {csv: {decimal: ,}}", "nothing stands here"},
        Hinted{"source:\n  csv:\n    delimiter: |\n    quote: a",
               "f.yaml:3:16: \"|\" begins a text of many lines"},
        // Missing colons and spaces that leave YAML.
        Hinted{"source:\n  path x.csv\n",
               "f.yaml:2:3: source: expects a map, not \"path x.csv\"; a colon "
               "is missing behind \"path\""},
        Hinted{"split: {test:0.2}",
               "a space is missing behind the colon of \"test\""},
        Hinted{"name: a\nsplit {test: 0.2}",
               "; a colon is missing behind \"split\""},
        // Words of others.
        Hinted{
            "model: {xgboost: {eta: 0.1}}",
            "f.yaml:1:19: unknown key \"eta\" in model.xgboost; did you mean "
            "\"learning_rate\"?"},
        Hinted{"model: {xgboost: {n_estimators: 9}}", "mean \"rounds\"?"},
        Hinted{"model: {xgboost: {early_stopping_rounds: 9}}",
               "mean \"early_stopping\"?"},
        Hinted{"model: {XGBClassifier: {}}", "mean \"xgboost\"?"},
        Hinted{"model: {xgboost: {subsample: 0.8}}",
               "stand below model.xgboost.params: {subsample: ...}"},
        Hinted{"model: {xgboost: {num_leaves: 8}}",
               "XGBoost calls it max_leaves"},
        Hinted{"model: {xgboost: {n_jobs: 8}}", "leave it out"},
        Hinted{"steps: [{StandardScaler: {columns: all}}]",
               "mean \"standardize\"?"},
        Hinted{"steps: [{OneHotEncoder: {columns: all}}]", "mean \"one_hot\"?"},
        Hinted{"steps: [{min-max: {columns: all}}]", "mean \"min_max\"?"},
        Hinted{"steps: [{impute: {cols: all}}]", "mean \"columns\"?"},
        Hinted{"steps: [{impute: {strategy: mode}}]",
               "mean \"most_frequent\"?"},
        Hinted{"steps: [{one_hot: {handle_unknown: ignore}}]",
               "mean \"unknown\"?"},
        Hinted{"source: {csv: {sep: ';'}}", "mean \"delimiter\"?"},
        Hinted{"source: {dtype: {a: str}}", "mean \"types\"?"},
        Hinted{"source: {types: {a: str}}", "mean \"string\"?"},
        Hinted{"source: {types: {a: float}}", "mean \"float64\"?"},
        Hinted{"roles: {label: y}", "mean \"target\"?"},
        Hinted{"split: {test_size: 0.2}", "mean \"test\"?"},
        // Right words in the wrong place.
        Hinted{"target: y", "; it belongs below roles"},
        Hinted{"source: {delimiter: ';'}", "; it belongs below source.csv"},
        Hinted{"test_size: 0.2",
               "; it is called \"test\" and belongs below split"},
        Hinted{"model: {objective: binary}",
               "; it belongs below model.xgboost"}));

TEST(SpecLoader, ReadsScalarsAsTheCoreSchemaSays) {
  EXPECT_EQ(
      Difference("steps: [{impute: {indicator: True}}, {impute: {indicator: "
                 "FALSE}}]\nmodel: {xgboost: {rounds: 0o17, seed: 0xFF, "
                 "max_depth: 012, params: {a: TRUE, b: yes, c: 0x10, d: 1_000, "
                 "e: !!str 5}}}",
                 R"(
steps { impute { indicator: true } } steps { impute { } }
model { xgboost { rounds: 15 seed: 255 max_depth: 12 params {
  fields { key: "a" value { bool_value: true } }
  fields { key: "b" value { string_value: "yes" } }
  fields { key: "c" value { number_value: 16 } }
  fields { key: "d" value { string_value: "1_000" } }
  fields { key: "e" value { string_value: "5" } } } } }
split { test: 0.2 })"),
      "");
}

TEST(SpecLoader, ShowsTheLineOfAMistakeInAFile) {
  const TempDir directory;
  const std::string path = directory.path() + "/p.yaml";
  std::ofstream(path) << "name: a\nroles: {tärget: y, targt: z}\n";
  const absl::Status status = LoadSpec(path).status();
  EXPECT_EQ(status.message(),
            absl::StrCat(path,
                         ":2:9: unknown key \"tärget\" in roles; did you mean "
                         "\"target\"?\n    2 | roles: {tärget: y, targt: z}\n"
                         "      |         ^\n",
                         path,
                         ":2:21: unknown key \"targt\" in roles; did you mean "
                         "\"target\"?\n    2 | roles: {tärget: y, targt: z}\n"
                         "      |                    ^"));
}

TEST(SpecLoader, ExplainsAStepThatIsNotIndented) {
  EXPECT_EQ(
      Mistake("steps:\n- impute:\n  columns: all\n  strategy: mean\n"),
      "f.yaml:3:3: steps[0]: \"columns\" belongs below \"impute\"; indent "
      "it further");
}

TEST(SpecLoader, RefusesTwoStepsInOne) {
  EXPECT_EQ(Mistake("steps:\n- log1p: {columns: a}\n  drop: {columns: b}\n"),
            "f.yaml:3:3: steps[0]: a step has one key, but \"drop\" stands "
            "beside \"log1p\"");
  EXPECT_EQ(Mistake("model:\n  xgboost: {}\n  baseline: {}\n"),
            "f.yaml:3:3: model: a model has one key, but \"baseline\" stands "
            "beside \"xgboost\"");
  EXPECT_EQ(Mistake("steps:\n- stage: a\n  drop: {columns: b}\n"),
            "f.yaml:3:3: steps[0]: a step has a `stage` or \"drop\", not both");
}

TEST(SpecLoader, RefusesDuplicateKeys) {
  EXPECT_EQ(Mistake("name: a\nsteps: []\nname: b\n"),
            "f.yaml:3:1: the key \"name\" stands here a second time; it is "
            "already in line 1");
}

TEST(SpecLoader, TellsAllMistakesAtOnce) {
  EXPECT_EQ(Mistake("nmae: a\nsource: {format: cvs}"),
            "f.yaml:1:1: unknown key \"nmae\"; did you mean \"name\"?\n"
            "f.yaml:2:18: source.format: no value \"cvs\"; did you mean "
            "\"csv\"?");
}

TEST(SpecLoader, CallsEveryMistakeABadSpec) {
  const auto loaded = ParseSpec("nmae: a", "f.yaml");
  EXPECT_EQ(ReasonOf(loaded.status()), "BAD_SPEC");
  EXPECT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(SpecLoader, RefusesAMissingFileAndADirectory) {
  EXPECT_EQ(ReasonOf(LoadSpec("/nonexistent/a.yaml").status()),
            "FILE_NOT_FOUND");
  EXPECT_THAT(std::string(LoadSpec("/").status().message()),
              HasSubstr("a directory"));
}

TEST(SpecLoader, CutsLongWordsInMessages) {
  EXPECT_LT(Mistake("source: {format: " + std::string(5000, 'x') + "}").size(),
            200u);
}

// --- Where the coordinator's complaints are shown ----------------------------

TEST(SpecLoader, LocatesAField) {
  const auto loaded = ParseSpec(kExample, "train.yaml");
  ASSERT_TRUE(loaded.ok());
  EXPECT_THAT(
      std::string(loaded->Locate(BadSpec("roles.target", "no")).message()),
      StartsWith("train.yaml:9:11: roles.target: no"));
  EXPECT_THAT(
      std::string(loaded->Locate(BadSpec("steps[2].standardize.columns", "no"))
                      .message()),
      StartsWith("train.yaml:16:19: "));
  EXPECT_THAT(
      std::string(
          loaded->Locate(BadSpec("steps[2].standardize.columns[1]", "no"))
              .message()),
      StartsWith("train.yaml:16:34: "));
}

TEST(SpecLoader, LocatesAMissingFieldAtWhatIsAroundIt) {
  const auto loaded =
      ParseSpec("name: a\nsteps:\n- impute: {columns: a}\n", "f.yaml");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(
      loaded->Locate(BadSpec("steps[0].impute.strategy", "required")).message(),
      "f.yaml:3:3: steps[0].impute.strategy: required");
  EXPECT_EQ(loaded->Locate(BadSpec("model", "required")).message(),
            "f.yaml: model: required");
}

TEST(SpecLoader, LocatesEachOfSeveralMistakes) {
  const auto loaded = ParseSpec(kExample, "f.yaml");
  ASSERT_TRUE(loaded.ok());
  const absl::Status located = loaded->Locate(
      Together({BadSpec("roles.target", "no"), BadSpec("roles.carry[1]", "no"),
                BadSpec("request_id", "no")}));
  EXPECT_EQ(located.message(),
            "f.yaml:9:11: roles.target: no\nf.yaml:11:24: roles.carry[1]: no\n"
            "request_id: no");
  const ErrorMetadata metadata = MetadataOf(located);
  EXPECT_EQ(MetadataAt(metadata, "yaml_line", 1), "11");
  EXPECT_EQ(MetadataAt(metadata, "yaml_column", 1), "24");
  EXPECT_EQ(MetadataAt(metadata, "yaml_line", 2), "");
}

TEST(SpecLoader, LeavesOtherErrorsAlone) {
  const auto loaded = ParseSpec("name: a", "f.yaml");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->Locate(absl::InternalError("boom")),
            absl::InternalError("boom"));
}

// --- And back ----------------------------------------------------------------

TEST(SpecWriter, WritesWhatIsReadAsTheSame) {
  const auto loaded = ParseSpec(kExample, "f.yaml");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(Difference(WriteSpec(loaded->spec), kExampleProto), "");
}

TEST(SpecWriter, KeepsWordsThatLookLikeOtherThings) {
  const std::string proto = R"(name: "null"
roles { carry: "" carry: "~" carry: "a: b" carry: "# c" carry: "- d"
        carry: "\303\251" carry: " e " carry: "line\nbreak" carry: "true" }
source { types { key: "" value: INT64 } max_rejects: 0.1 }
steps { impute { columns { all: true } fill_value { string_value: "1" } } }
steps { stage: "s" params { fields { key: "k" value { bool_value: true } } } }
model { xgboost { learning_rate: 0.1234567890123 seed: 18446744073709551615 } }
split { test: 0 seed: 1 })";
  pb::PipelineSpec spec;
  ASSERT_TRUE(TextFormat::ParseFromString(proto, &spec));
  EXPECT_EQ(Difference(WriteSpec(spec), proto), "") << WriteSpec(spec);
}

}  // namespace
}  // namespace troupe
