#include "services/actor/actor_thread.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/answers.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/function_actor.h"

namespace troupe {
namespace {

class ActorThreadTest : public testing::Test {
 protected:
  ActorThreadTest() {
    actor_.on_receive = [this](Message&, const Context&) {
      ++handled_;
      clock_.Advance(work_);
      return Reply{};
    };
  }
  void Handle(int times, absl::Duration work) {
    work_ = work;
    for (int i = 0; i < times; ++i) thread_.Handle(answers_.Send("a"));
  }

  FakeClock clock_;
  Answers answers_;
  FunctionActor actor_;
  absl::Duration work_;
  int handled_ = 0;
  Mailbox mailbox_{{"model", 3, 1000}, &clock_, std::make_shared<Stats>()};
  ActorThread thread_{"model", &mailbox_, &actor_, &clock_};
};

TEST_F(ActorThreadTest, IsQuickAfterSixteenQuickMessages) {
  EXPECT_FALSE(thread_.quick());
  Handle(15, absl::Microseconds(100));
  EXPECT_FALSE(thread_.quick());
  Handle(1, absl::Microseconds(100));
  EXPECT_TRUE(thread_.quick());
}

TEST_F(ActorThreadTest, ASlowMessageUnlearnsQuickness) {
  Handle(1000, absl::Microseconds(100));
  Handle(1, absl::Milliseconds(2));
  EXPECT_FALSE(thread_.quick());
}

TEST_F(ActorThreadTest, SoDoSomeThatAreNotQuick) {
  Handle(1000, absl::Microseconds(100));
  Handle(1, absl::Microseconds(200));  // Interrupted, perhaps.
  EXPECT_TRUE(thread_.quick());
  Handle(3, absl::Microseconds(200));
  EXPECT_FALSE(thread_.quick());
}

// A message that left the mailbox before Abandon, and comes to the handler
// after it.
TEST_F(ActorThreadTest, HandlesNothingOnceAbandoned) {
  thread_.Abandon();
  thread_.Handle(answers_.Send("late"));
  EXPECT_EQ(answers_.Of("late"), "DRAINING");
  EXPECT_EQ(handled_, 0);
}

TEST_F(ActorThreadTest, AbandonAnswersTheRunningAndRemembers) {
  actor_.on_receive = [this](Message&, const Context& context) {
    thread_.Abandon();
    EXPECT_TRUE(context.cancelled());
    EXPECT_EQ(answers_.Of("running"), "DRAINING");
    return Reply{};
  };
  thread_.Handle(answers_.Send("running"));
  thread_.Handle(answers_.Send("next"));
  EXPECT_EQ(answers_.CountOf("running"), 1);
  EXPECT_EQ(answers_.Of("next"), "DRAINING");
}

}  // namespace
}  // namespace troupe
