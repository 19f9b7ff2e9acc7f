#include "services/base/neighbour_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/base/errors.h"
#include "services/base/nearest.h"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(NeighbourWords, KnowOursByTheirs) {
  EXPECT_THAT(NeighbourWords("n_estimators", {"rounds", "seed"}),
              ElementsAre("rounds"));
  EXPECT_THAT(NeighbourWords("StandardScaler", {"standardize"}),
              ElementsAre("standardize"));
  EXPECT_THAT(NeighbourWords("standard-scaler", {"standardize"}),
              ElementsAre("standardize"));
  EXPECT_THAT(NeighbourWords("--sep", {"--delimiter", "--quote"}),
              ElementsAre("--delimiter"));
}

TEST(NeighbourWords, NameOnlyWhatIsPossible) {
  EXPECT_THAT(NeighbourWords("eta", {"rounds"}), IsEmpty());
  EXPECT_THAT(NeighbourWords("", {"rounds"}), IsEmpty());
  EXPECT_THAT(
      NeighbourWords("classification", {"regression", "binary", "multiclass"}),
      ElementsAre("binary", "multiclass"));
}

TEST(DidYouMean, KnowsTheNeighboursWords) {
  EXPECT_EQ(
      DidYouMean("classification", {"regression", "binary", "multiclass"}),
      "; did you mean \"binary\" or \"multiclass\"?");
  // A word that is right but for its case is that word.
  EXPECT_EQ(DidYouMean("ETA", {"eta", "learning_rate"}),
            "; did you mean \"eta\"?");
}

TEST(AskForDelimiter, DoubtsOneColumnThatLooksLikeSeveral) {
  EXPECT_EQ(AskForDelimiter({"a;b;c"}),
            "; the table has one column, \"a;b;c\": is the delimiter \";\"?");
  EXPECT_EQ(AskForDelimiter({"a\tb"}),
            "; the table has one column, \"a\tb\": is the delimiter a tab?");
  EXPECT_EQ(AskForDelimiter({"a"}), "");
  EXPECT_EQ(AskForDelimiter({"a;b", "c"}), "");
}

TEST(UnknownColumn, SuspectsDelimitersAndCommas) {
  EXPECT_EQ(UnknownColumn("y", {"x;y"}).message(),
            "column \"y\" is not in the table; the table has one column, "
            "\"x;y\": is the delimiter \";\"?");
  EXPECT_EQ(UnknownColumn("age income", {"age", "income"}).message(),
            "column \"age income\" is not in the table; is a comma missing "
            "between two names?");
}

}  // namespace
}  // namespace troupe
