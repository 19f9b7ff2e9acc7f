#include "services/base/latch.h"

#include <thread>

#include "gtest/gtest.h"

namespace troupe {
namespace {

TEST(Latch, HoldsUntilTheLastCount) {
  Latch latch(2);
  latch.CountDown();
  EXPECT_FALSE(latch.Wait(absl::Milliseconds(1)));
  std::thread last([&] { latch.CountDown(); });
  EXPECT_TRUE(latch.Wait());
  last.join();
}

TEST(Latch, OfNothingHoldsNobody) {
  Latch latch(0);
  EXPECT_TRUE(latch.Wait(absl::ZeroDuration()));
}

TEST(Latch, StaysOpenWhenCountedBelowZero) {
  Latch latch;
  latch.CountDown();
  latch.CountDown();
  EXPECT_TRUE(latch.Wait(absl::ZeroDuration()));
}

}  // namespace
}  // namespace troupe
