#include "client/spec/source_line.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe {
namespace {

TEST(SourceLine, PutsTheCaretBelowTheLetter) {
  EXPECT_EQ(SourceLine("a: 1\n\tb: 2\n", {2, 2}),
            "\n    2 |  b: 2\n      |  ^");
  // Columns are bytes, places on the screen letters.
  EXPECT_EQ(SourceLine("\xc3\xa4: x", {1, 5}),
            "\n    1 | \xc3\xa4: x\n      |    ^");
}

TEST(SourceLine, CutsALongLineAroundThePlace) {
  const std::string shown = SourceLine(std::string(500, 'x') + "!", {1, 501});
  EXPECT_LT(shown.size(), 150u);
  EXPECT_NE(shown.find("x!"), std::string::npos);
  EXPECT_EQ(shown.substr(shown.size() - 1), "^");
}

TEST(SourceLine, HasNothingToShowBeyondTheText) {
  EXPECT_EQ(SourceLine("a\n", {7, 1}), "");
}

}  // namespace
}  // namespace troupe
