#include "services/model/early_stopping.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace troupe::model {
namespace {

// The round after which it stops, or -1.
int StopsAfter(EarlyStopping& stopping, const std::vector<double>& scores) {
  for (size_t i = 0; i < scores.size(); ++i)
    if (stopping.Stop(scores[i])) return static_cast<int>(i);
  return -1;
}

TEST(EarlyStopping, StopsAfterRoundsWithoutStrictImprovement) {
  EarlyStopping stopping(2, false);
  EXPECT_EQ(StopsAfter(stopping, {3, 2, 2, 2.5, 1}), 3);
  EXPECT_EQ(stopping.best_round(), 1);
  EXPECT_EQ(stopping.best_score(), 2);
}

TEST(EarlyStopping, CountsAnewAfterAnImprovement) {
  EarlyStopping stopping(2, true);
  EXPECT_EQ(StopsAfter(stopping, {0.5, 0.4, 0.6, 0.6, 0.7}), -1);
  EXPECT_EQ(stopping.best_round(), 4);
}

TEST(EarlyStopping, NeverTakesNanForBetter) {
  EarlyStopping stopping(2, false);
  EXPECT_EQ(StopsAfter(stopping, {1, NAN, NAN}), 2);
  EXPECT_EQ(stopping.best_round(), 0);
}

}  // namespace
}  // namespace troupe::model
