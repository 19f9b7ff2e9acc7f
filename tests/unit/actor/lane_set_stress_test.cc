// Real threads. Also meant for ThreadSanitizer (preset tsan).
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "services/actor/lane_set.h"
#include "services/base/errors.h"
#include "tests/testing/answers.h"
#include "tests/testing/function_actor.h"
#include "tests/testing/gate.h"

namespace troupe {
namespace {

constexpr int kProducers = 8;
constexpr int kMessagesEach = 2'000;

int64_t Settled(const LaneCounters& counters) {
  return counters.succeeded + counters.failed + counters.expired +
         counters.cancelled + counters.bounced;
}

// What racing producers saw.
struct Tally {
  std::atomic<int64_t> answered{0};
  std::atomic<int64_t> rejected{0};
};

// Every third message is cancelled at once, every fifth has expired.
void Produce(LaneSet& lanes, Tally& tally, Submitter submitter) {
  for (int i = 0; i < kMessagesEach; ++i) {
    CallInfo info;
    if (i % 5 == 0) info.deadline = absl::ZeroDuration();
    const auto token = std::make_shared<CancelToken>();
    Message message;
    message.bytes = i % 100;
    const auto envelope = std::make_shared<Envelope>(
        std::move(message), info, token,
        [&tally](const absl::StatusOr<Reply>& reply) {
          const std::string reason = ReasonOf(reply.status());
          if (reason == "MAILBOX_FULL") ++tally.rejected;
          ++tally.answered;
        });
    const char* const lane = i % 2 == 0 ? "batch" : "online";
    envelope->message().method = lane;
    lanes.Submit(lane, envelope, submitter);
    if (i % 3 == 0) token->Cancel();
  }
}

class Race : public testing::TestWithParam<StopMode> {};

TEST_P(Race, EveryMessageIsAnsweredOnceAndCounted) {
  std::map<std::string, std::atomic<int>> inside;
  inside["batch"] = 0, inside["online"] = 0;
  std::atomic<int> overlaps{0};
  FunctionActor actor([&](Message& message, const Context&) {
    std::atomic<int>& here = inside.at(message.method);
    if (++here > 1) ++overlaps;
    --here;
    return message.bytes % 7 == 0 ? absl::StatusOr<Reply>(UnknownMethod("x"))
                                  : absl::StatusOr<Reply>(Reply{});
  });
  ThreadExecutor executor;
  Tally tally;
  std::vector<LaneSnapshot> lanes_after;
  {
    LaneSet lanes({"model", {{"online", 16, 600}, {"batch", 16, 600}}, {}},
                  &actor, Clock::Real(), &executor);
    ASSERT_TRUE(lanes.Start().ok());
    std::vector<std::thread> producers;
    for (int i = 0; i < kProducers; ++i)
      producers.emplace_back([&, i] {
        Produce(lanes, tally,
                i % 2 == 0 ? Submitter::kMayHandle : Submitter::kGoesOn);
      });
    std::thread reader([&] {  // The law holds at every instant.
      for (int i = 0; i < 1'000; ++i)
        for (const LaneSnapshot& lane : lanes.Snapshot())
          ASSERT_EQ(lane.counters.accepted,
                    Settled(lane.counters) + lane.counters.in_flight);
    });
    while (tally.answered < kProducers * kMessagesEach / 4)
      std::this_thread::yield();
    lanes.Stop(GetParam(), absl::Seconds(30));
    for (std::thread& producer : producers) producer.join();
    reader.join();
    ASSERT_TRUE(lanes.AwaitStopped(absl::Seconds(30)));
    lanes_after = lanes.Snapshot();
  }
  EXPECT_EQ(overlaps, 0);
  int64_t accounted = 0;
  for (const LaneSnapshot& lane : lanes_after) {
    EXPECT_EQ(lane.counters.in_flight, 0);
    EXPECT_EQ(lane.depth_bytes, 0);
    EXPECT_EQ(lane.counters.accepted, Settled(lane.counters));
    accounted += lane.counters.accepted;
    for (const auto& [reason, count] : lane.counters.rejected)
      accounted += count;
  }
  EXPECT_EQ(tally.answered, kProducers * kMessagesEach);
  EXPECT_EQ(accounted, kProducers * kMessagesEach);
}

INSTANTIATE_TEST_SUITE_P(StopModes, Race,
                         testing::Values(StopMode::kDrain, StopMode::kNow));

// A set of one lane whose supervisor's looks are counted.
struct Watched {
  Watched()
      : actor([this](Message&, const Context&) {
          gate.Wait();
          return Reply{};
        }) {
    LaneSetOptions options{"model", {{"batch", 4, 100}}, {}};
    options.on_tick = [this] { ++looks; };
    lanes.emplace(std::move(options), &actor, Clock::Real(), &executor);
  }

  // Whether the looks end. One that looks every 50 ms never pauses so long.
  bool FallsAsleep() {
    for (int tries = 0; tries < 75; ++tries) {
      const int before = looks;
      absl::SleepFor(absl::Milliseconds(400));
      if (looks == before) return true;
    }
    return false;
  }

  Gate gate;
  FunctionActor actor;
  std::atomic<int> looks{0};
  ThreadExecutor executor;
  Answers answers;
  std::optional<LaneSet> lanes;
};

TEST(Threads, TheSupervisorSleepsUntilThereIsSomethingToLookAt) {
  Watched watched;
  ASSERT_TRUE(watched.lanes->Start().ok());
  ASSERT_TRUE(watched.FallsAsleep());
  const int before = watched.looks;
  watched.lanes->Submit("batch", watched.answers.Send("long"));
  const absl::Time limit = absl::Now() + absl::Seconds(30);
  while (watched.looks < before + 3 && absl::Now() < limit)
    std::this_thread::yield();
  EXPECT_GE(watched.looks, before + 3);
  watched.gate.Open();
  EXPECT_TRUE(watched.FallsAsleep());
}

TEST(Threads, StopWakesTheSupervisor) {
  Watched watched;
  ASSERT_TRUE(watched.lanes->Start().ok());
  ASSERT_TRUE(watched.FallsAsleep());
  watched.lanes->Stop(StopMode::kDrain, absl::Seconds(30));
  EXPECT_TRUE(watched.lanes->AwaitStopped(absl::Seconds(30)));
  watched.lanes.reset();  // Joins it.
}

TEST(Threads, LanesDoNotWaitForEachOther) {
  Gate gate;
  FunctionActor actor([&](Message& message, const Context&) {
    if (message.method == "long") gate.Wait();
    return Reply{};
  });
  ThreadExecutor executor;
  Answers answers;
  LaneSet lanes({"model", {{"online", 4, 100}, {"fit", 4, 100}}, {}}, &actor,
                Clock::Real(), &executor);
  ASSERT_TRUE(lanes.Start().ok());
  lanes.Submit("fit", answers.Send("long"));
  lanes.Submit("online", answers.Send("short"));
  EXPECT_EQ(answers.Await("short"), "OK");
  EXPECT_EQ(answers.Of("long"), "");
  gate.Open();
  EXPECT_EQ(answers.Await("long"), "OK");
}

TEST(Threads, HungHandlerIsAnsweredByTheSupervisor) {
  Gate gate;
  FunctionActor actor([&](Message&, const Context&) {
    gate.Wait();
    return Reply{};
  });
  ThreadExecutor executor;
  Answers answers;
  LaneSet lanes({"model", {{"batch", 4, 100}}, {}}, &actor, Clock::Real(),
                &executor);
  ASSERT_TRUE(lanes.Start().ok());
  CallInfo info;
  info.work_limit = absl::Milliseconds(20);
  lanes.Submit("batch", answers.Send("hangs", 0, info));
  EXPECT_EQ(answers.Await("hangs"), "WORK_LIMIT_EXCEEDED");
  gate.Open();
}

TEST(Threads, StopDoesNotWaitForAHungHandler) {
  Gate gate;
  Gate entered;
  FunctionActor actor([&](Message&, const Context&) {
    entered.Open();
    gate.Wait();
    return Reply{};
  });
  ThreadExecutor executor;
  Answers answers;
  LaneSet lanes({"model", {{"batch", 4, 100}}, {}}, &actor, Clock::Real(),
                &executor);
  ASSERT_TRUE(lanes.Start().ok());
  lanes.Submit("batch", answers.Send("hangs"));
  ASSERT_TRUE(entered.Wait());
  lanes.Stop(StopMode::kDrain, absl::Milliseconds(20));
  EXPECT_FALSE(lanes.AwaitStopped(absl::Milliseconds(100)));
  EXPECT_EQ(answers.Await("hangs"), "DRAINING");
  gate.Open();
  EXPECT_TRUE(lanes.AwaitStopped(absl::Seconds(30)));
}

// A lane of three threads: three messages are in their handlers at once, a
// fourth waits; a stop ends them all.
TEST(Threads, RunAsManyMessagesAtOnceAndNoMore) {
  std::atomic<int> inside{0};
  Gate all_inside;
  Gate go_on;
  FunctionActor actor([&](Message&, const Context&) {
    if (++inside == 3) all_inside.Open();
    go_on.Wait();
    --inside;
    return Reply{};
  });
  ThreadExecutor executor;
  LaneSet lanes({"coordinator", {{"calls", 16, 600, 3}}, {}}, &actor,
                Clock::Real(), &executor);
  ASSERT_TRUE(lanes.Start().ok());
  Answers answers;
  for (const char* name : {"a", "b", "c", "d"})
    lanes.Submit("calls", answers.Send(name), Submitter::kMayHandle);
  ASSERT_TRUE(all_inside.Wait());
  EXPECT_EQ(lanes.Snapshot()[0].depth, 1);
  EXPECT_EQ(inside, 3);
  go_on.Open();
  EXPECT_EQ(answers.Await("d"), "OK");
  lanes.Stop(StopMode::kDrain, absl::Seconds(30));
  EXPECT_TRUE(lanes.AwaitStopped(absl::Seconds(30)));
}

TEST(Threads, AreAllGivenUpWhenTheProcessStopsNow) {
  std::atomic<int> inside{0};
  Gate all_inside;
  FunctionActor actor([&](Message&, const Context& context) {
    if (++inside == 3) all_inside.Open();
    while (!context.cancelled()) std::this_thread::yield();
    return Reply{};
  });
  ThreadExecutor executor;
  LaneSet lanes({"coordinator", {{"calls", 16, 600, 3}}, {}}, &actor,
                Clock::Real(), &executor);
  ASSERT_TRUE(lanes.Start().ok());
  Answers answers;
  for (const char* name : {"a", "b", "c", "d"})
    lanes.Submit("calls", answers.Send(name));
  ASSERT_TRUE(all_inside.Wait());
  lanes.Stop(StopMode::kNow, absl::ZeroDuration());
  for (const char* name : {"a", "b", "c", "d"})
    EXPECT_EQ(answers.Of(name), "DRAINING");
  EXPECT_TRUE(lanes.AwaitStopped(absl::Seconds(30)));
}

// More messages than threads, from several senders: none is forgotten because
// a thread that was to be woken slept on.
TEST(Threads, HandleEveryMessageOfRacingSenders) {
  std::atomic<int> handled{0};
  FunctionActor actor([&](Message&, const Context&) {
    ++handled;
    return Reply{};
  });
  ThreadExecutor executor;
  LaneSet lanes({"coordinator", {{"calls", 1 << 20, 600, 4}}, {}}, &actor,
                Clock::Real(), &executor);
  ASSERT_TRUE(lanes.Start().ok());
  Answers answers;
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i)
    senders.emplace_back([&, i] {
      for (int j = 0; j < 500; ++j) {
        const std::string name = std::to_string(i * 1000 + j);
        lanes.Submit("calls", answers.Send(name), Submitter::kMayHandle);
        if (j % 50 == 0) {
          EXPECT_EQ(answers.Await(name), "OK");
        }
      }
    });
  for (std::thread& sender : senders) sender.join();
  lanes.Stop(StopMode::kDrain, absl::Seconds(30));
  EXPECT_TRUE(lanes.AwaitStopped(absl::Seconds(30)));
  EXPECT_EQ(handled, 2'000);
}

}  // namespace
}  // namespace troupe
