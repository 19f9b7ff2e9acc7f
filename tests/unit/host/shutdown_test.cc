#include "services/host/shutdown.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "gtest/gtest.h"
#include "tests/testing/gate.h"

namespace troupe {
namespace {

TEST(Watchdog, BitesWhenItIsNotCalmed) {
  Gate bitten;
  Watchdog watchdog([&] { bitten.Open(); });
  watchdog.Arm(absl::Milliseconds(10));
  EXPECT_TRUE(bitten.Wait());
}

TEST(Watchdog, BitesAtTheEarliestTimeItWasArmedFor) {
  Gate bitten;
  Watchdog watchdog([&] { bitten.Open(); });
  watchdog.Arm(absl::Hours(1));
  watchdog.Arm(absl::Milliseconds(10));
  watchdog.Arm(absl::Hours(2));
  EXPECT_TRUE(bitten.Wait());
}

TEST(Watchdog, DoesNotBiteOnceCalmed) {
  std::atomic<bool> bitten{false};
  Watchdog watchdog([&] { bitten = true; });
  watchdog.Calm();
  watchdog.Arm(absl::ZeroDuration());
  EXPECT_FALSE(bitten);
}

TEST(Watchdog, DoesNotBiteOnceDestroyed) {
  std::atomic<bool> bitten{false};
  {
    Watchdog watchdog([&] { bitten = true; });
    watchdog.Arm(absl::Minutes(10));
  }
  EXPECT_FALSE(bitten);
}

TEST(SignalWatcher, TellsSignalsAndHowManyCameBefore) {
  Gate second;
  std::atomic<int> first_signal{0};
  const SignalWatcher watcher([&](int signal, int before) {
    if (before == 0) {
      first_signal = signal;
      kill(getpid(), SIGINT);
    } else {
      second.Open();
    }
  });
  kill(getpid(), SIGTERM);
  EXPECT_TRUE(second.Wait());
  EXPECT_EQ(first_signal, SIGTERM);
}

}  // namespace
}  // namespace troupe
