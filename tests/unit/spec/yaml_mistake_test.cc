#include "client/spec/yaml_mistake.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "client/spec/config_node.h"

namespace troupe {
namespace {

// `line:column: message` as ParseConfig says it, without the file.
std::string YamlRefusal(const std::string& text) {
  const auto root = ParseConfig(text, "f");
  return root.ok() ? "accepted"
                   : std::string(root.status().message()).substr(2);
}

struct Wrong {
  const char* text;
  const char* place;  // Where it is told, and how that begins.
};
class YamlMistakes : public testing::TestWithParam<Wrong> {};

TEST_P(YamlMistakes, AreToldWhereTheyAre) {
  EXPECT_EQ(YamlRefusal(GetParam().text)
                .substr(0, std::string(GetParam().place).size()),
            GetParam().place);
}

INSTANTIATE_TEST_SUITE_P(
    Each, YamlMistakes,
    testing::Values(
        // Indentation.
        Wrong{"a: 1\nb:\n\tc: 2\nd: 3\n", "3:1: a tab stands"},
        Wrong{"a:\n  b:\n    c: 1\n  \td: 2\n", "4:3: a tab stands"},
        Wrong{"a:\n  b: 1\n    c: 2\n", "3:5: indented further"},
        Wrong{"a:\n    b: 1\n  c: 2\n", "3:3: indented by 2 spaces"},
        Wrong{"a: 1\n b: 2\n", "2:2: indented further"},
        Wrong{"a:\n- b: 1\n   c: 2\n", "3:4: indented further"},
        Wrong{"a:\n  - b: 1\n - c: 2\n", "3:2: indented by 1 space"},
        Wrong{"a:\n\xc2\xa0\xc2\xa0"
              "b: 1\n  c: 2\n",
              "2:1: a space of another"},
        // Colons.
        Wrong{"name churn\nb: 1\n", "1:1: a colon is missing behind \"name\""},
        Wrong{"a:\n  b 1\n  c: 2\n", "2:3: a colon is missing behind \"b\""},
        Wrong{"a: 1\nroles\n  b: 1\n",
              "2:1: a colon is missing behind \"roles\""},
        Wrong{"a:\n  - b\n      c: 1\n",
              "2:5: a colon is missing behind \"b\""},
        Wrong{"a:1\nb: 2\n", "1:1: a space is missing behind the colon"},
        Wrong{"a:\n  b = 1\n  c: 2\n", "2:3: a colon belongs behind \"b\""},
        Wrong{"a: b: 2\n", "1:5: a second colon"},
        Wrong{"a: 1\nb\n", "2:1: a colon is missing behind \"b\""},
        Wrong{"a: {b, c: 1}\n", "1:5: a colon is missing behind \"b\""},
        // Lists.
        Wrong{"a: - b\n   - c\n", "1:4: a list item stands in the line"},
        Wrong{"a:\n  - b: 1\n  -c: 2\n",
              "3:3: a space is missing behind the dash"},
        Wrong{"a:\n  - b: 1\n  c: 2\n", "3:3: a key stands where a list item"},
        Wrong{"a: [- b, - c]\n", "1:5: a dash within brackets"},
        // Brackets.
        Wrong{"a: [1, 2\nb: 3\nc: [4]\n", "1:4: this \"[\" is not closed"},
        Wrong{"a: {b: 1\nc: 3\n", "1:4: this \"{\" is not closed"},
        Wrong{"a: [1, 2}\n", "1:9: this \"}\" stands where the \"[\""},
        Wrong{"a: [1, 2)\nb: {c: 1}\n", "1:4: this \"[\" is not closed"},
        Wrong{"a: [1]]\n", "1:7: this \"]\" closes nothing"},
        Wrong{"a: {b: 1 c: 2}\n", "1:10: a comma is missing before \"c\""},
        Wrong{"a: {b: [1] c: 2}\n", "1:12: a comma is missing before \"c\""},
        Wrong{"a: {b: \"x\" c: 2}\n", "1:12: a comma is missing before \"c\""},
        Wrong{"{\"a\": 1\n \"b\": 2}", "2:2: a comma is missing before \"b\""},
        Wrong{"{\"a\" 1}", "1:6: a colon is missing"},
        Wrong{"a: {b: #, c: 1}\nd: 2\n",
              "1:4: this \"{\" is not closed; \"#\""},
        // Quotes.
        Wrong{"a: \"x\nb: 1\nc: \"y\"\n", "1:4: this double quote is not"},
        Wrong{"a: 'x\nb: 1\n", "1:4: this quote is not closed"},
        Wrong{"a: 'it's'\n", "1:8: text behind the closing quote"},
        Wrong{"a: \"C:\\data\"\n", "1:7: \"\\d\" means nothing"},
        // First characters.
        Wrong{"a: *\n", "1:4: \"*\" begins an alias; for all columns"},
        Wrong{"a: [b, *_x]\n", "1:8: \"*\" begins an alias, and nothing"},
        Wrong{"a: @x\n", "1:4: no word begins with \"@\""},
        Wrong{"a: {b: |, c: 1}\n", "1:8: no word begins with \"|\""},
        Wrong{"a: !x y\n", "1:4: the tag !x means nothing here"}));

TEST(YamlMistake, FindsNoneInWhatIsWholeYaml) {
  const char* const kWhole =
      "# a comment\na: 1   # and one more\n'b c': \"d: e\"\nf:\n- g: [1,\n  "
      "2]\n"
      "  h:\n    - - i\n      - j\n-  k: {l: m, \"n\":o}\np: |\n  q: [\n  \t{\n"
      "r: &s [t]\nu: *s\nv: http://x#y\nw:\n  - x: 'it''s'\n";
  EXPECT_EQ(YamlRefusal(kWhole), "accepted");
  EXPECT_FALSE(FindYamlMistake(kWhole).has_value());
}

TEST(YamlMistake, TakesItsTimeFromTheTextsSizeAlone) {
  for (const char* piece : {"x\n", "[\n", "{a: ", "- ", "\"a\\n", "a:\n b: c\n",
                            "*a, ", "'", "a: [*x] &y\n"}) {
    std::string text;
    while (text.size() < 500'000) text += piece;
    FindYamlMistake(text);  // Ends.
  }
}

}  // namespace
}  // namespace troupe
