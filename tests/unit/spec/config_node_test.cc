#include "client/spec/config_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

using testing::HasSubstr;

std::string Refusal(const std::string& text, const ConfigLimits& limits = {}) {
  const auto node = ParseConfig(text, "f.yaml", limits);
  return node.ok() ? "accepted" : std::string(node.status().message());
}

std::string Repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(ConfigNode, KnowsWhereThingsStand) {
  const auto root = ParseConfig("a: 1\nb:\n  - x\n  - y: z\n", "f.yaml");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->Find("a")->position, (Position{1, 4}));
  EXPECT_EQ(root->Find("b")->list[0].position, (Position{3, 5}));
  EXPECT_EQ(root->Find("b")->list[1].entries[0].position, (Position{4, 5}));
}

TEST(ConfigNode, TellsTextFromWords) {
  const auto root = ParseConfig("[1, '1', \"1\", null, ~, 'null']", "f.yaml");
  ASSERT_TRUE(root.ok());
  EXPECT_FALSE(root->list[0].quoted);
  EXPECT_TRUE(root->list[1].quoted);
  EXPECT_TRUE(root->list[2].quoted);
  EXPECT_EQ(root->list[3].kind, ConfigNode::Kind::kNull);
  EXPECT_EQ(root->list[4].kind, ConfigNode::Kind::kNull);
  EXPECT_EQ(root->list[5].kind, ConfigNode::Kind::kScalar);
}

TEST(ConfigNode, NamesTheLineOfASyntaxError) {
  EXPECT_THAT(Refusal("a: 1\nb: [1, 2\n"), HasSubstr("f.yaml:"));
  EXPECT_THAT(Refusal("a: 1\n b: 2\n"), HasSubstr("f.yaml:2:"));
  EXPECT_THAT(Refusal("a: *nothing"), HasSubstr("f.yaml:1:"));
  EXPECT_THAT(Refusal("a: \"\\q\""), HasSubstr("f.yaml:1:"));
}

TEST(ConfigNode, RefusesWhatIsNoPipelineFile) {
  EXPECT_THAT(Refusal(""), HasSubstr("empty"));
  EXPECT_THAT(Refusal(std::string("a: \0b", 5)),
              HasSubstr("f.yaml:1:4: a control character"));
  EXPECT_THAT(Refusal("a: \xff"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(Refusal("a: 1\n---\nb: 2\n"), HasSubstr("a second document"));
  EXPECT_THAT(Refusal("[a]: 1"), HasSubstr("a key must be a word"));
  EXPECT_THAT(Refusal("? {a: b}\n: 1"), HasSubstr("a key must be a word"));
}

TEST(ConfigNode, RefusesAnAliasOfItself) {
  EXPECT_THAT(Refusal("a: &x [1, *x]"), HasSubstr("f.yaml:1:"));
}

TEST(ConfigNode, BoundsAliasesByWhatTheyStandFor) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    absl::StrAppend(&bomb, "a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&bomb, "*a", i - 1, ", ");
    absl::StrAppend(&bomb, "]\n");
  }
  EXPECT_THAT(Refusal(bomb), HasSubstr("more values than"));
}

TEST(ConfigNode, BoundsTheTextOfAliases) {
  const std::string bomb = absl::StrCat("a: &a \"", std::string(500'000, 'x'),
                                        "\"\nb: [", Repeated("*a, ", 20), "]");
  EXPECT_THAT(Refusal(bomb), HasSubstr("more values than"));
}

TEST(ConfigNode, BoundsSizeAndDepth) {
  EXPECT_THAT(Refusal("a: " + std::string(2 << 20, 'x')),
              HasSubstr("f.yaml:1:1: larger than"));
  EXPECT_THAT(Refusal(Repeated("[", 100)), HasSubstr("nested deeper than 64"));
  EXPECT_THAT(Refusal(Repeated("[", 500'000)), HasSubstr("nested deeper"));
  EXPECT_THAT(Refusal(Repeated("[],", 300'000)), HasSubstr("f.yaml:"));
  EXPECT_THAT(Refusal("[" + Repeated("[],", 300'000) + "]"),
              HasSubstr("more values than"));
}

TEST(ConfigNode, CallsRefusalsBadSpec) {
  EXPECT_EQ(ReasonOf(ParseConfig("a: [", "f.yaml").status()), "BAD_SPEC");
}

}  // namespace
}  // namespace troupe
