#include "client/coordinator/online/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/coordinator/online/predictor.h"
#include "client/coordinator/stages/call_header.h"
#include "services/base/errors.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_timers.h"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Plays a loader and a model that answer each row as it came, when the test
// says so. A row "bad" is rejected; one "poison" fails its whole table.
class Echo : public StageCalls {
 public:
  void Dispatch(StageCall call,
                std::function<void(StageResult)> done) override {
    EXPECT_EQ(call.lane, "online");
    waiting.push_back({std::move(call), std::move(done)});
  }
  void CancelJob(const std::string& job) override { cancelled.push_back(job); }
  void ForgetJob(const std::string&) override {}
  absl::StatusOr<std::unique_ptr<FitSession>> StartFit(
      const FitCall&) override {
    return absl::UnimplementedError("");
  }
  std::vector<std::string> StalledStages(const std::string&) override {
    return {};
  }
  JobLoad LoadOf(const std::string&) override { return {}; }
  std::vector<std::string> Stages() override { return {"loader", "model"}; }
  bool HasServingReplica(const std::string&) override { return true; }

  // Answers the oldest call.
  void Next() {
    auto [call, done] = std::move(waiting.front());
    waiting.erase(waiting.begin());
    done(call.method == std::string(stage_method::kLoad) ? Load(call)
                                                         : Process(call));
  }
  void Finish() {
    while (!waiting.empty()) Next();
  }
  void Fail(const absl::Status& status) {
    auto done = std::move(waiting.front().done);
    waiting.erase(waiting.begin());
    StageResult result;
    result.status = status;
    done(std::move(result));
  }

  struct Call {
    StageCall call;
    std::function<void(StageResult)> done;
  };
  std::vector<Call> waiting;
  std::vector<std::string> tables;  // Rows of each Load, joined with "+".
  std::vector<std::string> cancelled;

 private:
  StageResult Load(const StageCall& call) {
    pb::LoadRequest request;
    EXPECT_TRUE(request.ParseFromString(*call.header(1, false)));
    const std::vector<std::string> rows =
        absl::StrSplit(request.inline_text().text(), '\n', absl::SkipEmpty());
    tables.push_back(absl::StrJoin(rows, "+"));
    StageResult result;
    std::string kept;
    RejectedRows rejected("request");
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] == "poison") result.status = absl::InternalError("poisoned");
      if (rows[i] == "bad")
        rejected.Add(static_cast<int64_t>(i), {"BAD_ROW", "it is ", "bad", ""});
      else
        kept += rows[i] + "\n";
    }
    pb::LoadResponse response;
    response.set_rows(static_cast<int64_t>(rows.size()) - rejected.size());
    *response.mutable_rejected() = rejected.ToProto();
    result.header = response.SerializeAsString();
    result.table = TableBytes::FromTable(kept);
    return result;
  }
  StageResult Process(const StageCall& call) {
    StageResult result;
    const std::string rows = *call.table.TableString();
    pb::ProcessResponse response;
    response.set_rows(std::count(rows.begin(), rows.end(), '\n'));
    response.set_form(pb::LINES);
    result.header = response.SerializeAsString();
    result.table = call.table;
    return result;
  }
};

class BatcherTest : public testing::Test {
 protected:
  BatcherTest() {
    auto version = std::make_shared<OnlineVersion>();
    version->name = "n@1";
    version->hops.emplace_back().stage = "model";
    version->stages = {"loader", "model"};
    version->max_rows = 1000;
    version_ = version;
    options_.flows = 1;
    Make();
  }

  void Make() {
    OnlineEnvironment environment;
    environment.calls = &echo_;
    environment.clock = &clock_;
    batcher_ = std::make_shared<Batcher>(options_, environment, &timers_);
  }

  // Rows separated by blanks; the answer, likewise, is entered under `name`.
  absl::Status Ask(const std::string& name, const std::string& rows,
                   absl::Duration timeout = absl::Seconds(10)) {
    OnlineRequest request;
    request.version = version_;
    for (const absl::string_view row : absl::StrSplit(rows, ' ')) {
      absl::StrAppend(&request.text, row, "\n");
      ++request.rows;
    }
    request.deadline = clock_.Monotonic() + timeout;
    request.caller_left = [this, name] { return left_.count(name) > 0; };
    request.answer = [this, name](absl::StatusOr<OnlineResult> result) {
      EXPECT_EQ(answers_.count(name), 0u) << "answered twice";
      answers_[name] = TextOf(result);
    };
    return batcher_->Submit(std::move(request));
  }
  static std::string TextOf(const absl::StatusOr<OnlineResult>& result) {
    if (!result.ok()) return absl::StatusCodeToString(result.status().code());
    std::string text = absl::StrReplaceAll(result->lines, {{"\n", " "}});
    for (int64_t i = 0; i < result->rejected.size(); ++i)
      absl::StrAppend(&text, result->rejected.row(i), ":",
                      result->rejected.reason(i), " ");
    return text;
  }

  FakeClock clock_;
  FakeTimers timers_{&clock_};
  Echo echo_;
  BatcherOptions options_;
  std::shared_ptr<const OnlineVersion> version_;
  std::set<std::string> left_;
  std::map<std::string, std::string> answers_;
  std::shared_ptr<Batcher> batcher_;
};

TEST_F(BatcherTest, WhatWaitsLeavesTogetherAndEachGetsItsOwn) {
  ASSERT_TRUE(Ask("a", "1").ok());
  ASSERT_TRUE(Ask("b", "2 bad 3").ok());
  ASSERT_TRUE(Ask("c", "bad").ok());
  ASSERT_TRUE(Ask("d", "4 5").ok());
  echo_.Finish();
  EXPECT_THAT(echo_.tables, ElementsAre("1", "2+bad+3+bad+4+5"));
  EXPECT_EQ(answers_["a"], "1 ");
  EXPECT_EQ(answers_["b"], "2 3 1:BAD_ROW ");
  EXPECT_EQ(answers_["c"], "0:BAD_ROW ");
  EXPECT_EQ(answers_["d"], "4 5 ");
  EXPECT_EQ(batcher_->open(), 0);
  EXPECT_EQ(batcher_->waiting_rows(), 0);
}

TEST_F(BatcherTest, AFailureInCompanyIsTriedOneByOneAndHarmsNoOther) {
  ASSERT_TRUE(Ask("a", "1").ok());
  ASSERT_TRUE(Ask("b", "2").ok());
  ASSERT_TRUE(Ask("c", "poison").ok());
  ASSERT_TRUE(Ask("d", "3").ok());
  echo_.Finish();
  EXPECT_THAT(echo_.tables, ElementsAre("1", "2+poison+3", "2", "poison", "3"));
  EXPECT_EQ(answers_["b"], "2 ");
  EXPECT_EQ(answers_["c"], "INTERNAL");
  EXPECT_EQ(answers_["d"], "3 ");
}

TEST_F(BatcherTest, NobodyIsTriedAgainWhereNoStageServes) {
  ASSERT_TRUE(Ask("a", "1").ok());
  ASSERT_TRUE(Ask("b", "2").ok());
  ASSERT_TRUE(Ask("c", "3").ok());
  echo_.Fail(NoReplica({"loader"}));
  echo_.Fail(NoReplica({"loader"}));
  EXPECT_THAT(echo_.waiting, IsEmpty());
  EXPECT_EQ(answers_["a"], "UNAVAILABLE");
  EXPECT_EQ(answers_["b"], "UNAVAILABLE");
  EXPECT_EQ(answers_["c"], "UNAVAILABLE");
}

TEST_F(BatcherTest, WhoLeftOrIsLateIsLeftOut) {
  ASSERT_TRUE(Ask("a", "1").ok());
  ASSERT_TRUE(Ask("left", "2").ok());
  ASSERT_TRUE(Ask("late", "3", absl::Milliseconds(10)).ok());
  ASSERT_TRUE(Ask("d", "4").ok());
  left_.insert("left");
  timers_.Advance(absl::Milliseconds(20));
  echo_.Finish();
  timers_.RunDue();
  EXPECT_THAT(echo_.tables, ElementsAre("1", "4"));
  EXPECT_EQ(answers_["left"], "CANCELLED");
  EXPECT_EQ(answers_["late"], "DEADLINE_EXCEEDED");
  EXPECT_EQ(answers_["d"], "4 ");
}

TEST_F(BatcherTest, AFlowThatNobodyWaitsForIsCancelled) {
  options_.flows = 2;
  Make();
  ASSERT_TRUE(Ask("left", "1").ok());
  ASSERT_TRUE(Ask("late", "2", absl::Seconds(1)).ok());
  timers_.Advance(absl::Milliseconds(500));
  EXPECT_THAT(echo_.cancelled, IsEmpty());
  left_.insert("left");
  timers_.Advance(absl::Milliseconds(50));
  EXPECT_THAT(echo_.cancelled, ElementsAre("predict/000000000000"));
  echo_.Fail(JobCancelled(echo_.cancelled[0]));
  timers_.Advance(absl::Seconds(1));
  EXPECT_EQ(echo_.cancelled.back(), "predict/000000000001");
  echo_.Fail(JobCancelled(echo_.cancelled.back()));
  EXPECT_EQ(answers_["left"], "CANCELLED");
  EXPECT_EQ(answers_["late"], "DEADLINE_EXCEEDED");
  EXPECT_EQ(batcher_->open(), 0);
}

TEST_F(BatcherTest, ATableHasABound) {
  options_.batch_rows = 3;
  Make();
  ASSERT_TRUE(Ask("a", "1").ok());
  ASSERT_TRUE(Ask("b", "2 3").ok());
  ASSERT_TRUE(Ask("c", "4 5").ok());
  ASSERT_TRUE(Ask("large", "6 7 8 9").ok());
  ASSERT_TRUE(Ask("e", "10").ok());
  echo_.Finish();
  EXPECT_THAT(echo_.tables, ElementsAre("1", "2+3", "4+5", "6+7+8+9", "10"));
}

TEST_F(BatcherTest, RefusesWhatIsTooMuchAtOnce) {
  options_.queue_rows = 4;
  Make();
  ASSERT_TRUE(Ask("a", "1").ok());
  ASSERT_TRUE(Ask("b", "2 3 4 5 6 7").ok());  // Whoever is alone may be large.
  const absl::Status refused = Ask("c", "8");
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_REQUESTS");
  EXPECT_TRUE(RetryDelayOf(refused).has_value());
  echo_.Finish();
  EXPECT_TRUE(Ask("d", "9").ok());
  echo_.Finish();
  EXPECT_EQ(answers_.count("c"), 0u);
  EXPECT_EQ(answers_["d"], "9 ");
}

TEST_F(BatcherTest, WaitsForOthersWhereToldTo) {
  options_.wait = absl::Milliseconds(5);
  options_.batch_rows = 3;
  Make();
  ASSERT_TRUE(Ask("a", "1").ok());
  timers_.Advance(absl::Milliseconds(4));
  EXPECT_THAT(echo_.waiting, IsEmpty());
  ASSERT_TRUE(Ask("b", "2").ok());
  timers_.Advance(absl::Milliseconds(1));
  echo_.Finish();
  ASSERT_TRUE(Ask("c", "3 4 5").ok());  // Enough to leave at once.
  echo_.Finish();
  EXPECT_THAT(echo_.tables, ElementsAre("1+2", "3+4+5"));
}

TEST_F(BatcherTest, AWrongNumberOfLinesIsAnErrorOfAllThatItMayConcern) {
  ASSERT_TRUE(Ask("a", "1").ok());
  echo_.Next();
  pb::ProcessResponse response;
  response.set_rows(1);
  response.set_form(pb::LINES);
  StageResult result;
  result.header = response.SerializeAsString();
  result.table = TableBytes::FromTable("1\n2\n");
  auto done = std::move(echo_.waiting.front().done);
  echo_.waiting.clear();
  done(std::move(result));
  EXPECT_EQ(answers_["a"], "INTERNAL");
}

TEST(ReadJsonLines, CountsLinesThatAreNotBlank) {
  std::string text = "\n{\"x\":1}\r\n \t\r\n{}";
  EXPECT_EQ(*ReadJsonLines(&text, 2), 2);
  EXPECT_EQ(text, "{\"x\":1}\r\n{}\n");
  text = "{}\n{}\n{}\n";
  EXPECT_EQ(ReasonOf(ReadJsonLines(&text, 2).status()), "BAD_SPEC");
  text = " \n\n";
  EXPECT_EQ(ReasonOf(ReadJsonLines(&text, 2).status()), "BAD_SPEC");
}

}  // namespace
}  // namespace troupe
