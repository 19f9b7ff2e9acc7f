#include "client/coordinator/stages/replica_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/testing/fake_replicas.h"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr CallEnd::Kind kAnswered = CallEnd::Kind::kAnswered;
constexpr CallEnd::Kind kFull = CallEnd::Kind::kFull;
constexpr CallEnd::Kind kUnreachable = CallEnd::Kind::kUnreachable;

class ReplicaSetTest : public testing::Test {
 protected:
  // A set of these, all found and checked.
  void Find(std::vector<std::string> addresses, ReplicaLimits limits = {}) {
    replicas_.addresses = std::move(addresses);
    set_ = replicas_.MakeSet("model", &clock_, &timers_, limits);
    timers_.RunDue();
  }

  std::shared_ptr<Replica> Take(Placement placement = {}) {
    return set_->Acquire(placement);
  }
  std::string TakeName(Placement placement = {}) {
    const auto replica = set_->Acquire(placement);
    return replica == nullptr ? "none" : replica->address;
  }
  // How many calls fit now; they stay.
  int Fill() {
    int taken = 0;
    while (Take() != nullptr) ++taken;
    return taken;
  }
  void Give(const std::shared_ptr<Replica>& replica, CallEnd::Kind kind,
            std::optional<int64_t> room = std::nullopt) {
    CallEnd end;
    end.kind = kind;
    end.mailbox_room = room;
    set_->Release(replica, end);
  }
  // Answers many calls, one in each `interval`, with another one always open.
  void AnswerEvery(absl::Duration interval) {
    auto open = Take();
    for (int i = 0; i < 1'000; ++i) {
      auto next = Take();
      clock_.Advance(interval);
      Give(std::exchange(open, std::move(next)), kAnswered, 60);
    }
    Give(open, kAnswered, 60);
  }
  std::vector<std::string> Addresses() const {
    std::vector<std::string> addresses;
    for (const ReplicaInfo& info : set_->List())
      addresses.push_back(info.address);
    return addresses;
  }

  FakeClock clock_;
  FakeTimers timers_{&clock_};
  FakeReplicas replicas_;
  std::unique_ptr<ReplicaSet> set_;
};

TEST_F(ReplicaSetTest, UsesOnlyReplicasWhoseHealthSaysServing) {
  replicas_.first_health["b"] = absl::UnavailableError("refused");
  Find({"a", "b"});
  EXPECT_EQ(Fill(), 2);
  EXPECT_EQ(set_->List()[1].outstanding, 0);
  EXPECT_EQ(set_->List()[1].message, "refused");
}

TEST_F(ReplicaSetTest, AnAddedReplicaGetsWorkWithinThreeSeconds) {
  Find({"a"});
  replicas_.addresses = std::vector<std::string>{"a", "b"};
  timers_.Advance(absl::Seconds(3));
  EXPECT_EQ(TakeName({.avoided = {"a"}}), "b");
}

TEST_F(ReplicaSetTest, ARestartedReplicaGetsWorkWithinThreeSeconds) {
  Find({"a"});
  replicas_["a"].health = absl::UnavailableError("refused");
  timers_.Advance(absl::Seconds(1));
  EXPECT_EQ(TakeName(), "none");
  replicas_["a"].health = absl::OkStatus();
  timers_.Advance(absl::Seconds(3));
  EXPECT_EQ(TakeName(), "a");
}

TEST_F(ReplicaSetTest, ARemovedReplicaGetsNoWorkAndFinishesWhatItHas) {
  Find({"a"});
  const auto open = Take();
  replicas_.addresses = std::vector<std::string>{"b"};
  timers_.Advance(absl::Seconds(2));
  EXPECT_THAT(Addresses(), ElementsAre("b"));
  Give(open, kAnswered, 60);  // Must not bring it back.
  EXPECT_EQ(TakeName(), "b");
}

TEST_F(ReplicaSetTest, KeepsItsReplicasWhileNamesCannotBeLookedUp) {
  Find({"a"});
  replicas_.addresses = absl::UnavailableError("no name server");
  timers_.Advance(absl::Seconds(10));
  EXPECT_EQ(TakeName(), "a");
}

TEST_F(ReplicaSetTest,
       AnUnreachableReplicaServesAgainOnlyAfterItsHealthSaysSo) {
  Find({"a"});
  Give(Take(), kUnreachable);
  EXPECT_FALSE(set_->HasServing());
  timers_.Advance(absl::Seconds(1));
  EXPECT_TRUE(set_->HasServing());
}

TEST_F(ReplicaSetTest, AHealthCheckFromBeforeAFailureProvesNothing) {
  Find({"a"});
  replicas_["a"].hold_health = true;
  const auto open = Take();
  timers_.Advance(absl::Seconds(1));  // The check is on its way.
  Give(open, kUnreachable);
  replicas_["a"].AnswerHealth();
  EXPECT_FALSE(set_->HasServing());
}

TEST_F(ReplicaSetTest, AReplicaLeavesFromItsWordOnUntilItServesAgain) {
  Find({"a"});
  const auto replica = Take();
  EXPECT_FALSE(set_->IsLeaving(*replica));
  Give(replica, CallEnd::Kind::kLeaving);
  EXPECT_TRUE(set_->IsLeaving(*replica));
  EXPECT_FALSE(set_->HasServing());
  timers_.Advance(absl::Seconds(1));
  EXPECT_FALSE(set_->IsLeaving(*replica));
}

TEST_F(ReplicaSetTest,
       ABeatenReplicaServesButGetsNothingUntilItsHealthAnswers) {
  Find({"a", "b"});
  Give(Take({.avoided = {"b"}}), CallEnd::Kind::kBeaten);
  EXPECT_TRUE(set_->HasServing("b"));
  EXPECT_EQ(TakeName({.avoided = {"b"}}), "b");
  bool told = false;
  set_->OnChange([&] { told = true; });
  timers_.Advance(absl::Seconds(1));
  EXPECT_TRUE(told);
  EXPECT_EQ(TakeName({.avoided = {"b"}}), "a");
}

TEST_F(ReplicaSetTest, OneSlowHealthCheckIsForgivenAndASecondIsNot) {
  Find({"a"});
  replicas_["a"].health = absl::DeadlineExceededError("slow");
  timers_.Advance(absl::Seconds(1));
  EXPECT_TRUE(set_->HasServing());
  timers_.Advance(absl::Seconds(1));
  EXPECT_FALSE(set_->HasServing());
}

TEST_F(ReplicaSetTest, ChoosesTheLessLoadedOfTheTwoDrawn) {
  Find({"a", "b", "c"});
  replicas_.random = {0.4, 0.0};  // b, then a.
  EXPECT_EQ(TakeName(), "b");     // Equal loads: the first drawn.
  EXPECT_EQ(TakeName(), "a");
  EXPECT_EQ(set_->List()[2].outstanding, 0);
}

TEST_F(ReplicaSetTest, CreditGrowsWithAnswersUpToItsLimit) {
  Find({"a"}, {.max_credit = 4});
  for (int i = 0; i < 20; ++i) Give(Take(), kAnswered, 60);
  EXPECT_EQ(Fill(), 4);
}

TEST_F(ReplicaSetTest,
       AQuickReplicaMayHaveAsManyCallsAsItAnswersInTheTimeAhead) {
  Find({"a"}, {.ahead = absl::Milliseconds(4)});
  AnswerEvery(absl::Microseconds(200));
  EXPECT_NEAR(Fill(), 20, 1);
}

TEST_F(ReplicaSetTest, AQuickReplicaThatIsFullGetsMoreWhenHalfOfItIsAnswered) {
  Find({"a"}, {.ahead = absl::Milliseconds(4)});
  AnswerEvery(absl::Microseconds(200));
  const auto replica = Take();
  const int full = 1 + Fill();
  int answered = 0;
  for (; Take() == nullptr; ++answered) Give(replica, kAnswered, 60);
  EXPECT_EQ(answered, full - full / 2);
  EXPECT_EQ(1 + Fill(), answered);
}

TEST_F(ReplicaSetTest, AnotherReplicaGetsACallForEachAnswer) {
  Find({"a"}, {.max_credit = 4});
  for (int i = 0; i < 20; ++i) Give(Take(), kAnswered, 60);
  const auto replica = Take();
  Fill();
  Give(replica, kAnswered, 60);
  EXPECT_EQ(Fill(), 1);
}

TEST_F(ReplicaSetTest, AReplicaThatIsQuickNoMoreGetsFewCallsAgain) {
  Find({"a"}, {.max_credit = 4, .ahead = absl::Milliseconds(4)});
  AnswerEvery(absl::Microseconds(200));
  AnswerEvery(absl::Milliseconds(2));
  EXPECT_EQ(Fill(), 4);
}

TEST_F(ReplicaSetTest, TimeWithoutCallsDoesNotMakeAReplicaSlow) {
  Find({"a"}, {.ahead = absl::Milliseconds(4)});
  AnswerEvery(absl::Microseconds(200));
  for (int i = 0; i < 20; ++i) {
    clock_.Advance(absl::Seconds(1));
    Give(Take(), kAnswered, 60);
  }
  EXPECT_NEAR(Fill(), 20, 1);
}

TEST_F(ReplicaSetTest, CreditGrowsNoFurtherThanTheMailboxHasRoom) {
  Find({"a"}, {.max_credit = 4});
  for (int i = 0; i < 20; ++i) Give(Take(), kAnswered, 3);
  EXPECT_EQ(Fill(), 3);
}

TEST_F(ReplicaSetTest, AFullMailboxHalvesCreditButLeavesOne) {
  Find({"a"}, {.max_credit = 4});
  for (int i = 0; i < 20; ++i) Give(Take(), kAnswered, 60);
  Give(Take(), kFull);
  const auto first = Take();
  EXPECT_EQ(1 + Fill(), 2);
  for (int i = 0; i < 5; ++i) Give(first, kFull);
  EXPECT_EQ(Take() != nullptr, true);
}

TEST_F(ReplicaSetTest, AFullReplicaRestsForAsLongAsItSaid) {
  Find({"a"});
  CallEnd full;
  full.kind = kFull;
  full.pause = absl::Milliseconds(300);
  set_->Release(Take(), full);
  EXPECT_EQ(TakeName(), "none");
  bool told = false;
  set_->OnChange([&] { told = true; });
  timers_.Advance(absl::Milliseconds(300));
  EXPECT_TRUE(told);
  EXPECT_EQ(TakeName(), "a");
}

TEST_F(ReplicaSetTest, BytesAreBoundedButOneCallAlwaysFits) {
  Find({"a"}, {.max_credit = 4, .max_bytes = 100});
  EXPECT_EQ(TakeName({.bytes = 1000}), "a");
  EXPECT_EQ(TakeName({.bytes = 1}), "none");
}

TEST_F(ReplicaSetTest, CallsOfOneAffinityWaitForTheirReplica) {
  Find({"a", "b", "c"});
  const std::string first = TakeName({.affinity = "part-7.csv.gz"});
  EXPECT_EQ(TakeName({.affinity = "part-7.csv.gz"}), first);
  EXPECT_EQ(TakeName({.affinity = "part-7.csv.gz"}), "none");
  EXPECT_NE(TakeName(), "none");
}

TEST_F(ReplicaSetTest, AvoidsWhereItCanAndNeverUsesWhatIsBlocked) {
  Find({"a", "b"});
  EXPECT_EQ(TakeName({.avoided = {"a"}}), "b");
  EXPECT_EQ(TakeName({.avoided = {"a", "b"}}), "a");
  EXPECT_EQ(TakeName({.blocked = {"a", "b"}}), "none");
}

TEST_F(ReplicaSetTest, FitsNeedNoCreditAndSpreadOut) {
  Find({"a", "b"});
  EXPECT_EQ(Fill(), 4);
  const auto first = set_->AcquireForFit({});
  const auto second = set_->AcquireForFit({});
  EXPECT_NE(first->address, second->address);
}

TEST_F(ReplicaSetTest, TellsRowsPerSecondLately) {
  Find({"a"});
  for (int second = 0; second < 60; ++second) {
    CallEnd end;
    end.rows = 1000;
    set_->Release(Take(), end);
    timers_.Advance(absl::Seconds(1));
  }
  EXPECT_NEAR(set_->List()[0].rows_per_second, 1000, 150);
  timers_.Advance(absl::Minutes(1));
  EXPECT_LT(set_->List()[0].rows_per_second, 1);
}

TEST_F(ReplicaSetTest, TasksOfASetThatIsGoneDoNothing) {
  Find({"a"});
  set_.reset();
  timers_.Advance(absl::Seconds(10));
  EXPECT_EQ(replicas_.clients.size(), 1u);
}

TEST_F(ReplicaSetTest, AFullMailboxOfOneLaneLeavesTheOther) {
  Find({"a"}, {.max_credit = 2});
  const Placement online = {.lane = Lane::kOnline};
  EXPECT_EQ(Fill(), 2);
  const auto first = Take(online);
  ASSERT_NE(first, nullptr);
  CallEnd full;
  full.kind = kFull;
  full.lane = Lane::kOnline;
  full.pause = absl::Seconds(1);
  set_->Release(first, full);
  EXPECT_EQ(Take(online), nullptr);
  Give(first, kAnswered);
  EXPECT_NE(Take(), nullptr);
}

}  // namespace
}  // namespace troupe
