#include "services/base/mutex.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "services/base/clock.h"
#include "tests/testing/fake_clock.h"

namespace troupe {
namespace {

TEST(Mutex, ExcludesOtherThreads) {
  Mutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        MutexLock lock(&mutex);
        ++count;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 40'000);
}

TEST(CondVar, WakesTheWaiter) {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  std::thread other([&] {
    MutexLock lock(&mutex);
    ready = true;
    changed.NotifyOne();
  });
  {
    MutexLock lock(&mutex);
    while (!ready) changed.Wait(&mutex);
  }
  other.join();
  EXPECT_TRUE(ready);
}

TEST(CondVar, GivesUpAfterTheTimeout) {
  Mutex mutex;
  CondVar changed;
  const absl::Duration begun = Clock::Real()->Monotonic();
  MutexLock lock(&mutex);
  while (changed.WaitFor(&mutex, absl::Milliseconds(5))) {
  }
  EXPECT_GE(Clock::Real()->Monotonic() - begun, absl::Milliseconds(5));
}

TEST(CondVar, InfiniteTimeoutDoesNotOverflow) {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  std::thread other([&] {
    MutexLock lock(&mutex);
    ready = true;
    changed.NotifyOne();
  });
  bool woken = true;
  {
    MutexLock lock(&mutex);
    while (!ready && woken)
      woken = changed.WaitFor(&mutex, absl::InfiniteDuration());
  }
  other.join();
  EXPECT_TRUE(woken);
}

TEST(FakeClock, MovesOnlyWhenAdvanced) {
  FakeClock clock;
  const absl::Duration before = clock.Monotonic();
  const absl::Time wall = clock.Now();
  EXPECT_EQ(clock.Monotonic(), before);
  clock.Advance(absl::Seconds(3));
  EXPECT_EQ(clock.Monotonic() - before, absl::Seconds(3));
  EXPECT_EQ(clock.Now() - wall, absl::Seconds(3));
}

}  // namespace
}  // namespace troupe
