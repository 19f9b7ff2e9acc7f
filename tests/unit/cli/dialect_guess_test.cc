#include "client/cli/dialect_guess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/spec/spec_loader.h"
#include "client/spec/spec_writer.h"

namespace troupe {
namespace {

std::string Guess(const std::string& text, bool whole = true) {
  const std::optional<pb::Source> source = GuessSource(text, whole);
  if (!source.has_value()) return "nothing";
  if (source->format() == pb::JSONL) return "jsonl";
  return "[" + source->csv().delimiter() + "] [" + source->csv().quote() + "]";
}

TEST(GuessSource, FindsTheDelimiter) {
  EXPECT_EQ(Guess("a,b\n1,2\n"), "[,] [\"]");
  EXPECT_EQ(Guess("a;b\n1,5;2,5\n3,5;4,5\n"), "[;] [\"]");
  EXPECT_EQ(Guess("a\tb\n1,5 x\t2\n"), "[\t] [\"]");
  EXPECT_EQ(Guess("a|b|c\n1|2|3\n\n4|5|6"), "[|] [\"]");
  EXPECT_EQ(Guess("a b\n1 2\n3 4\n"), "[ ] [\"]");
  EXPECT_EQ(Guess("time;text\n12:30;it is, well, so\n13:00;no\n"), "[;] [\"]");
  EXPECT_EQ(Guess("root:x:0\r\ndaemon:x:1\r\n"), "[:] [\"]");
}

TEST(GuessSource, FindsTheQuote) {
  EXPECT_EQ(Guess("a,b\n\"x, y\",1\n\"p\"\"q\",2\n"), "[,] [\"]");
  EXPECT_EQ(Guess("a;b\n'x; y';1\nz;2\n"), "[;] [']");
  EXPECT_EQ(Guess("id\ttitle\n1\t\"Alien\n2\tHeat\n3\t\"Jaws\n4\tUp\n"),
            "[\t] []");
  EXPECT_EQ(Guess("a,b\n\"two\nlines\",1\nx,2\n"), "[,] [\"]");
  EXPECT_EQ(Guess("a,b\nO'Neil,5\" pipe\n'tis,x\n"), "[,] [\"]");
}

TEST(GuessSource, OneColumnAndNoLinesAreNoMistake) {
  EXPECT_EQ(Guess("word\nsome words\nand more of them\n"), "[,] [\"]");
  EXPECT_EQ(Guess(""), "nothing");
  EXPECT_EQ(Guess("\n \n"), "nothing");
  EXPECT_EQ(Guess("{\"a\": 1}\n{\"a\": 2}\n"), "jsonl");
}

TEST(GuessSource, ABeginningMayEndAnywhere) {
  EXPECT_EQ(Guess("a;b\n1;2\n3;\"4", false), "[;] [\"]");
  EXPECT_EQ(Guess("a;b\n1;2\n3", false), "[;] [\"]");
}

TEST(GuessSource, IsWrittenAsAFileReadsIt) {
  for (const char* text : {"a\tb\n1\t2\n", "a|b\n1|2\n", "a;b\n'x;y';1\n",
                           "a,b\n1,\"2\n3,4\n", "{\"a\":1}\n"}) {
    pb::Source source = *GuessSource(text, true);
    const absl::StatusOr<LoadedSpec> read =
        ParseSpec("name: x\n" + WriteSource(source), "x.yaml");
    ASSERT_TRUE(read.ok()) << read.status() << WriteSource(source);
    EXPECT_EQ(read->spec.source().ShortDebugString(),
              source.ShortDebugString());
  }
}

}  // namespace
}  // namespace troupe
