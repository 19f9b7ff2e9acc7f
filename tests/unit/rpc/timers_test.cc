#include "client/rpc/timers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <vector>

#include "services/base/latch.h"

namespace troupe {
namespace {

TEST(TimerThread, RunsTasksByDueTimeAndThenInOrder) {
  TimerThread timers;
  std::vector<int> order;
  std::promise<void> done;
  timers.After(absl::Milliseconds(30), [&] { order.push_back(3); });
  timers.After(absl::Milliseconds(30), [&] {
    order.push_back(4);
    done.set_value();
  });
  timers.After(absl::Milliseconds(10), [&] { order.push_back(2); });
  timers.Soon([&] { order.push_back(1); });
  done.get_future().wait();
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 3, 4));
}

TEST(TimerThread, ATaskMayAskForAnother) {
  TimerThread timers;
  std::promise<void> done;
  timers.Soon([&] { timers.Soon([&] { done.set_value(); }); });
  done.get_future().wait();
}

TEST(TimerThread, TasksThatAreNotDueNeverRunAfterStop) {
  std::atomic<bool> ran = false;
  TimerThread timers;
  timers.After(absl::Hours(1), [&] { ran = true; });
  timers.Stop();
  timers.Soon([&] { ran = true; });
  EXPECT_FALSE(ran);
}

TEST(TimerThread, LeavesATaskThatHangs) {
  const auto entered = std::make_shared<Latch>();
  const auto go_on = std::make_shared<Latch>();
  const auto over = std::make_shared<Latch>();
  {
    TimerThread timers;
    timers.Soon([=] {
      entered->CountDown();
      go_on->Wait();
      over->CountDown();
    });
    ASSERT_TRUE(entered->Wait(absl::Seconds(30)));
    timers.Leave();
  }
  go_on->CountDown();
  EXPECT_TRUE(over->Wait(absl::Seconds(30)));
}

}  // namespace
}  // namespace troupe
