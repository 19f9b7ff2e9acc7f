// Batches that kill what handles them, in real child processes.
#include "services/host/isolation.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/host/isolate_child.h"
#include "services/table/wire.h"
#include "tests/testing/rejected.h"

namespace troupe {
namespace {

class IsolationTest : public testing::Test {
 protected:
  IsolationTest() {
    limits_.command = {FAULTY};
    limits_.time = absl::Seconds(2);
    Table table;
    table.rows = 20;
    table.first_row = 100;
    table.schema = {{"x", pb::FLOAT64, pb::FEATURE}};
    table.columns.push_back(Column::FromDoubles(std::vector<double>(20, 1.5)));
    bytes_ = SerializeTable(std::move(table)).value();
  }
  // No child is left, alive or dead.
  ~IsolationTest() override { EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1); }

  void Fault(const char* kind, const std::vector<int64_t>& rows) {
    auto& list =
        (*request_.mutable_params()->mutable_custom()->mutable_fields())[kind];
    for (const int64_t row : rows)
      list.mutable_list_value()->add_values()->set_number_value(
          static_cast<double>(row));
  }

  void Set(const char* kind, double value) {
    (*request_.mutable_params()->mutable_custom()->mutable_fields())[kind]
        .set_number_value(value);
  }

  absl::StatusOr<pb::ProcessResponse> Run() {
    request_.set_isolate(true);
    request_.set_table(bytes_);
    Isolation isolation(limits_);
    CallInfo info;
    info.deadline = deadline_;
    info.work_limit = limits_.time;
    return isolation.Process(request_, Context(info, token_));
  }

  IsolationLimits limits_;
  pb::ProcessRequest request_;
  std::string bytes_;
  std::shared_ptr<CancelToken> token_ = std::make_shared<CancelToken>();
  absl::Duration deadline_ = absl::InfiniteDuration();
};

std::vector<std::string> Rejected(const pb::ProcessResponse& response) {
  std::vector<std::string> rejected;
  for (const pb::RejectedRow& row : RejectedOf(response))
    rejected.push_back(std::to_string(row.row()) + " " +
                       std::string(row.reason()));
  return rejected;
}

TEST_F(IsolationTest, CleanTableIsUnchanged) {
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->table(), bytes_);
}

TEST_F(IsolationTest, FindsEveryGuiltyRow) {
  Fault("crash", {100, 105, 106, 119});
  Fault("oom", {110});
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Rejected(*response),
            (std::vector<std::string>{"100 STAGE_CRASH", "105 STAGE_CRASH",
                                      "106 STAGE_CRASH", "110 STAGE_CRASH",
                                      "119 STAGE_CRASH"}));
  EXPECT_EQ(response->rows(), 15);
  EXPECT_EQ(ParseTable(response->table())->Ordinal(0), 101);
}

TEST_F(IsolationTest, HangingRowIsATimeout) {
  Fault("hang", {107});
  limits_.time = absl::Milliseconds(500);
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Rejected(*response), std::vector<std::string>{"107 STAGE_TIMEOUT"});
}

TEST_F(IsolationTest, AllRowsMayBeGuilty) {
  std::vector<int64_t> all;
  for (int64_t row = 100; row < 120; ++row) all.push_back(row);
  Fault("crash", all);
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(RejectedOf(*response).size(), 20u);
  EXPECT_EQ(response->rows(), 0);
  EXPECT_EQ(ParseTable(response->table())->rows, 0);
}

TEST_F(IsolationTest, TheMemoryLimitEndsTheRowThatAsksForTooMuch) {
  if (kHugeShadow)
    GTEST_SKIP() << "the sanitizer's shadow needs more than any limit";
  Fault("oom", {110});
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(RejectedOf(*response).size(), 1u);
  // Not by SIGKILL, which the stage sends itself when no limit stops it.
  EXPECT_EQ(RejectedOf(*response)[0].message(),
            "row 110, alone in a process of its own, it ran out of memory");
}

// The children of this process.
std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream list(task.path() / "children");
    for (pid_t pid = 0; list >> pid;) children.push_back(pid);
  }
  return children;
}

TEST_F(IsolationTest, WhatSomebodyElseKillsIsTriedAgain) {
  Set("sleep_ms", 300);
  std::atomic<bool> over = false;
  std::set<pid_t> killed;
  std::thread killer([&] {
    while (!over && killed.size() < 2)
      for (const pid_t child : Children())
        if (kill(child, killed.empty() ? SIGTERM : SIGKILL) == 0)
          killed.insert(child);
  });
  const auto response = Run();
  over = true;
  killer.join();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(killed.size(), 2u);
  EXPECT_FALSE(response->has_rejected());
  EXPECT_EQ(response->table(), bytes_);
}

TEST_F(IsolationTest, WhatIsKilledAgainAndAgainIsGuilty) {
  // As the kernel does with what eats all memory.
  Fault("oom", {110});
  Set("oom_bytes", 1);
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Rejected(*response), std::vector<std::string>{"110 STAGE_CRASH"});
}

TEST_F(IsolationTest, RowsThatOnlyKillTogetherAreProcessedInPieces) {
  Set("crash_above", 3);
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_FALSE(response->has_rejected());
  EXPECT_EQ(response->rows(), 20);
  const auto table = ParseTable(response->table());
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->Ordinal(0), 100);
  EXPECT_EQ(table->Ordinal(19), 119);
  EXPECT_EQ(table->columns[0].doubles()[19], 1.5);
}

TEST_F(IsolationTest, JoinsTheTextOfPieces) {
  request_.set_form(pb::LINES);
  const auto table = ParseTable(bytes_);
  for (const Field& field : table->schema)
    request_.mutable_text()->add_columns(field.name);
  const auto whole = Run();
  ASSERT_TRUE(whole.ok()) << whole.status();
  Set("crash_above", 3);
  const auto joined = Run();
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(whole->form(), pb::LINES);
  EXPECT_EQ(joined->form(), pb::LINES);
  EXPECT_EQ(joined->rows(), 20);
  EXPECT_EQ(std::count(joined->table().begin(), joined->table().end(), '\n'),
            20);
  EXPECT_EQ(joined->table(), whole->table());
  request_.mutable_text()->set_max_bytes(
      static_cast<int64_t>(joined->table().size()) - 1);
  EXPECT_EQ(ReasonOf(Run().status()), "TEXT_TOO_LARGE");
}

TEST_F(IsolationTest, PiecesAndGuiltyRowsTogether) {
  Set("crash_above", 3);
  Fault("crash", {100, 111});
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Rejected(*response),
            (std::vector<std::string>{"100 STAGE_CRASH", "111 STAGE_CRASH"}));
  EXPECT_EQ(response->rows(), 18);
  EXPECT_EQ(ParseTable(response->table())->Ordinal(10), 112);
}

TEST_F(IsolationTest, EndsBeforeTheCallersDeadline) {
  Fault("hang", {107});
  deadline_ = Clock::Real()->Monotonic() + absl::Seconds(3);
  const absl::Status status = Run().status();
  EXPECT_LT(Clock::Real()->Monotonic(), deadline_);
  EXPECT_EQ(ReasonOf(status), "ISOLATION_GAVE_UP");
  EXPECT_NE(status.message().find("deadline"), std::string::npos) << status;
}

// That no child is left, the fixture checks.
TEST_F(IsolationTest, CancelKillsAChildThatExists) {
  Fault("hang", {107});
  limits_.time = absl::Minutes(5);
  std::thread caller([this] {
    // Its child exists.
    while (waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) != 0)
      std::this_thread::yield();
    token_->Cancel();
  });
  EXPECT_EQ(ReasonOf(Run().status()), ReasonOf(CallerLeft()));
  caller.join();
}

TEST_F(IsolationTest, KeepsNoMoreArtifactsThanItMay) {
  limits_.artifact_bytes = 100;
  Isolation isolation(limits_);
  const auto missing = [&](const std::string& sha256) {
    request_.set_isolate(true);
    request_.set_table(bytes_);
    request_.set_artifact(sha256);
    // A child refuses what we put; what matters is whether it was kept.
    const auto response = isolation.Process(request_, Context({}, token_));
    return ReasonOf(response.status()) == "ARTIFACT_MISSING";
  };
  for (const char* name : {"a", "b"}) {
    EXPECT_TRUE(missing(name));
    isolation.OfferArtifact(name, std::string(60, 'x'));
    EXPECT_FALSE(missing(name));
  }
  EXPECT_TRUE(missing("a"));
  EXPECT_FALSE(missing("b"));
}

TEST_F(IsolationTest, CancelKillsTheChild) {
  Fault("hang", {107});
  token_->Cancel();
  EXPECT_EQ(ReasonOf(Run().status()), ReasonOf(CallerLeft()));
}

}  // namespace
}  // namespace troupe
