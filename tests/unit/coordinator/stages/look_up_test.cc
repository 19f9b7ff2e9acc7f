#include "client/coordinator/stages/look_up.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

#include "client/rpc/timers.h"
#include "services/base/latch.h"

namespace troupe {
namespace {

// A name server that is silent until a test lets it speak.
class SilentResolver : public Resolver {
 public:
  struct Switch {
    Latch asked;
    Latch speaks;
  };
  explicit SilentResolver(std::shared_ptr<Switch> state)
      : state_(std::move(state)) {}
  absl::StatusOr<Addresses> Resolve() override {
    state_->asked.CountDown();
    state_->speaks.Wait();
    return Addresses{"a"};
  }
  absl::Duration interval() const override { return absl::Seconds(2); }

 private:
  const std::shared_ptr<Switch> state_;
};

TEST(LookUp, TellsWhatItFoundOnTheOtherThread) {
  const auto server = std::make_shared<SilentResolver::Switch>();
  TimerThread asking;
  TimerThread telling;
  LookUp look_up(std::make_unique<SilentResolver>(server), &asking, &telling);
  Latch told;
  Addresses found;
  look_up.After(absl::ZeroDuration(), [&](const auto& addresses) {
    found = *addresses;
    told.CountDown();
  });
  server->speaks.CountDown();
  ASSERT_TRUE(told.Wait(absl::Seconds(30)));
  EXPECT_EQ(found, Addresses{"a"});
}

TEST(LookUp, NobodyWaitsForOneThatHangs) {
  const auto server = std::make_shared<SilentResolver::Switch>();
  auto told = std::make_shared<bool>(false);
  const std::weak_ptr<bool> listener = told;
  {
    TimerThread asking;
    TimerThread telling;
    LookUp look_up(std::make_unique<SilentResolver>(server), &asking, &telling);
    look_up.After(absl::ZeroDuration(),
                  [told = std::move(told)](const auto&) { *told = true; });
    ASSERT_TRUE(server->asked.Wait(absl::Seconds(30)));
    asking.Leave();
  }
  // All of it is gone; the server speaks up, and nobody listens.
  server->speaks.CountDown();
  while (!listener.expired()) {
  }
  SUCCEED();
}

}  // namespace
}  // namespace troupe
