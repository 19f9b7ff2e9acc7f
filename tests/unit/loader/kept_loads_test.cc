// What the loader keeps of a job's pass for the next.
#include "services/loader/kept_loads.h"

#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/table/wire.h"
#include "tests/testing/fake_clock.h"
#include "tests/unit/loader/loader_test_input.h"

namespace troupe::loader {
namespace {

using testing::HasSubstr;

// A request for the n-th split of a job, which will be read again.
pb::LoadRequest Pass(const std::string& job, int64_t split) {
  pb::LoadRequest request;
  request.mutable_id()->set_job(job);
  request.mutable_split()->set_number(split);
  request.set_row_set(pb::TRAIN_ROWS);
  request.set_read_again(true);
  return request;
}

pb::LoadRequest LastPass(const std::string& job, int64_t split) {
  pb::LoadRequest request = Pass(job, split);
  request.set_read_again(false);
  return request;
}

pb::LoadResponse Answer(size_t bytes = 100) {
  pb::LoadResponse response;
  response.set_rows(7);
  response.set_table(std::string(bytes, 't'));
  return response;
}

class KeptLoadsTest : public testing::Test {
 protected:
  FakeClock clock_;
  KeptLoads kept_{1 << 20, &clock_};
};

TEST_F(KeptLoadsTest, FindsWhatWasKeptAgainAndAgain) {
  kept_.Keep(Pass("j", 0), Answer());
  for (int pass = 0; pass < 2; ++pass) {
    const auto found = kept_.Find(Pass("j", 0));
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->table(), Answer().table());
    EXPECT_EQ(found->rows(), 7);
    EXPECT_TRUE(found->kept());
  }
  EXPECT_EQ(kept_.found(), 2);
}

TEST_F(KeptLoadsTest, TheLastReadTakesTheAnswerAndItsMemory) {
  kept_.Keep(Pass("j", 0), Answer());
  EXPECT_GT(kept_.bytes(), 100);
  const auto found = kept_.Find(LastPass("j", 0));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->table(), Answer().table());
  EXPECT_EQ(kept_.bytes(), 0);
  EXPECT_FALSE(kept_.Find(Pass("j", 0)).has_value());
}

TEST_F(KeptLoadsTest, KeepsNothingThatNobodyReadsAgain) {
  kept_.Keep(LastPass("j", 0), Answer());
  kept_.Keep(Pass("", 0), Answer());
  EXPECT_EQ(kept_.bytes(), 0);
}

TEST_F(KeptLoadsTest, AnotherAttemptFindsIt) {
  kept_.Keep(Pass("j", 0), Answer());
  pb::LoadRequest request = Pass("j", 0);
  request.mutable_id()->set_attempt(2);
  request.mutable_id()->set_epoch(9);
  EXPECT_TRUE(kept_.Find(request).has_value());
}

TEST_F(KeptLoadsTest, WhateverChangesTheAnswerIsNotFound) {
  kept_.Keep(Pass("j", 0), Answer());
  EXPECT_FALSE(kept_.Find(Pass("other", 0)).has_value());
  EXPECT_FALSE(kept_.Find(Pass("j", 1)).has_value());
  pb::LoadRequest rows = Pass("j", 0);
  rows.set_row_set(pb::TEST_ROWS);
  EXPECT_FALSE(kept_.Find(rows).has_value());
  pb::LoadRequest seed = Pass("j", 0);
  seed.mutable_row_split()->set_seed(1);
  EXPECT_FALSE(kept_.Find(seed).has_value());
  pb::LoadRequest target = Pass("j", 0);
  target.set_target_required(true);
  EXPECT_FALSE(kept_.Find(target).has_value());
  pb::LoadRequest schema = Pass("j", 0);
  schema.mutable_schema()->add_fields()->set_name("a");
  EXPECT_FALSE(kept_.Find(schema).has_value());
  pb::LoadRequest columns = Pass("j", 0);
  columns.add_source_columns("a");
  EXPECT_FALSE(kept_.Find(columns).has_value());
  pb::LoadRequest source = Pass("j", 0);
  source.mutable_source()->mutable_csv()->set_delimiter(";");
  EXPECT_FALSE(kept_.Find(source).has_value());
  EXPECT_EQ(kept_.found(), 0);
}

TEST_F(KeptLoadsTest, TheBudgetHoldsAndTheFirstOnesStay) {
  KeptLoads kept(10'000, &clock_);
  for (int64_t split = 0; split < 10; ++split)
    kept.Keep(Pass("j", split), Answer(3000));
  EXPECT_LE(kept.bytes(), 10'000);
  EXPECT_TRUE(kept.Find(Pass("j", 0)).has_value());
  EXPECT_TRUE(kept.Find(LastPass("j", 1)).has_value());
  EXPECT_FALSE(kept.Find(Pass("j", 9)).has_value());
  kept.Keep(Pass("j", 9), Answer(3000));  // There is room again.
  EXPECT_TRUE(kept.Find(Pass("j", 9)).has_value());
}

TEST_F(KeptLoadsTest, ABudgetOfNothingKeepsNothing) {
  KeptLoads kept(0, &clock_);
  kept.Keep(Pass("j", 0), Answer());
  EXPECT_EQ(kept.bytes(), 0);
}

TEST_F(KeptLoadsTest, OneAnswerKeptTwiceCountsOnce) {
  kept_.Keep(Pass("j", 0), Answer());
  const int64_t once = kept_.bytes();
  kept_.Keep(Pass("j", 0), Answer());
  EXPECT_EQ(kept_.bytes(), once);
}

TEST_F(KeptLoadsTest, AJobThatAsksForNothingLosesItAllByItself) {
  KeptLoads kept(1 << 20, &clock_, absl::Milliseconds(2));
  kept.Keep(Pass("ended", 0), Answer());
  clock_.Advance(absl::Milliseconds(1));
  kept.Keep(Pass("goes on", 0), Answer());
  const int64_t both = kept.bytes();
  clock_.Advance(absl::Milliseconds(1));
  const absl::Time limit = absl::Now() + absl::Seconds(20);
  while (kept.bytes() == both && absl::Now() < limit) std::this_thread::yield();
  EXPECT_FALSE(kept.Find(Pass("ended", 0)).has_value());
  EXPECT_TRUE(kept.Find(Pass("goes on", 0)).has_value());
}

TEST_F(KeptLoadsTest, ANewJobGetsTheRoomOfOneThatSeemsToHaveEnded) {
  KeptLoads kept(10'000, &clock_);
  kept.Keep(Pass("ended", 0), Answer(9000));
  clock_.Advance(KeptLoads::kIdle / 13);
  kept.Keep(Pass("new", 0), Answer(9000));
  EXPECT_FALSE(kept.Find(Pass("new", 0)).has_value());
  clock_.Advance(KeptLoads::kIdle / 13);
  kept.Keep(Pass("new", 0), Answer(9000));
  EXPECT_TRUE(kept.Find(Pass("new", 0)).has_value());
  EXPECT_FALSE(kept.Find(Pass("ended", 0)).has_value());
}

// A loader, a file with a bad row, and the request that loads it in a pass.
struct OnePass {
  explicit OnePass(LoaderOptions options = {}, absl::string_view text = kText)
      : setup(options) {
    const pb::Source source =
        SourceAt(setup.folder.Write("t.csv", std::string(text)));
    const absl::StatusOr<pb::PlanResponse> plan =
        setup.Plan(PlanRequestFor(source));
    if (!plan.ok() || plan->splits_size() != 1) std::abort();
    request =
        LoadRequestFor(source, plan->splits(0), plan->schema(), plan->schema());
    request.mutable_id()->set_job("j");
    request.set_read_again(true);
  }
  static constexpr absl::string_view kText = "a,b\n1,x\n2,x,3\n3,y\n";

  LoaderBelowFolder setup;
  pb::LoadRequest request;
};

TEST(LoadAgain, GivesTheSameAnswerAsParsing) {
  OnePass pass;
  const auto parsed = pass.setup.Load(pass.request);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_FALSE(parsed->kept());
  auto again = pass.setup.Load(pass.request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->kept());
  again->clear_kept();
  EXPECT_EQ(again->SerializeAsString(), parsed->SerializeAsString());
  EXPECT_EQ(RejectedOf(*parsed).size(), 1U);
}

// Ordinals, and the text of column b, of the rows of an answer; then its
// rejects.
std::string RowsOf(const absl::StatusOr<pb::LoadResponse>& response) {
  if (!response.ok()) return Failure(response);
  const absl::StatusOr<Table> table = ParseTable(response->table());
  if (!table.ok()) return Failure(table);
  std::string rows;
  for (int64_t i = 0; i < table->rows; ++i)
    absl::StrAppend(&rows, table->Ordinal(i), table->columns[1].text(i), " ");
  for (const pb::RejectedRow& row : RejectedOf(*response))
    absl::StrAppend(&rows, "-", row.row(), " ");
  return absl::StrCat(rows, response->rows(), " of ", response->wanted());
}

// The passes of a training with rows for early stopping.
TEST(LoadAgain, TheLastPassFindsTheRowsForEarlyStoppingToo) {
  std::string text = "a,b\n";
  for (int i = 0; i < 60; ++i)
    absl::StrAppend(&text, i, i % 7 == 3 ? ",x,3\n" : ",y", i % 3, "\n");
  LoaderOptions parses;
  parses.cache_bytes = 0;
  OnePass pass({}, text);
  OnePass parsing(parses, text);
  for (OnePass* const each : {&pass, &parsing}) {
    each->request.mutable_row_split()->set_test(0.2);
    each->request.mutable_row_split()->set_validation(0.3);
    each->request.set_row_set(pb::TRAIN_ROWS);
  }
  const std::string train = RowsOf(parsing.setup.Load(parsing.request));
  EXPECT_THAT(train, HasSubstr("-"));
  EXPECT_EQ(RowsOf(pass.setup.Load(pass.request)), train);
  EXPECT_EQ(RowsOf(pass.setup.Load(pass.request)), train);
  for (OnePass* const each : {&pass, &parsing}) {
    each->request.set_row_set(pb::TRAIN_AND_VALIDATION_ROWS);
    each->request.set_read_again(false);
  }
  const auto both = pass.setup.Load(pass.request);
  const std::string expected = RowsOf(parsing.setup.Load(parsing.request));
  EXPECT_NE(expected, train);
  EXPECT_EQ(RowsOf(both), expected);
  ASSERT_TRUE(both.ok());
  EXPECT_TRUE(both->kept());
}

TEST(LoadAgain, ParsesWhereNothingMayBeKept) {
  LoaderOptions options;
  options.cache_bytes = 0;
  OnePass pass(options);
  for (int i = 0; i < 2; ++i) {
    const auto loaded = pass.setup.Load(pass.request);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_FALSE(loaded->kept());
  }
}

TEST(LoadAgain, AFileThatChangedIsNoticedAlthoughItsTableIsKept) {
  OnePass pass;
  ASSERT_TRUE(pass.setup.Load(pass.request).ok());
  pass.setup.folder.Write("t.csv", "a,b\n1,x\n2,z\n3,yy\n");
  EXPECT_THAT(Failure(pass.setup.Load(pass.request)),
              HasSubstr("INPUT_CHANGED"));
}

TEST(LoadAgain, InlineTextThatChangedIsNoticedAlthoughItsTableIsKept) {
  LoaderBelowFolder setup;
  pb::PlanRequest plan_request;
  plan_request.mutable_inline_text()->set_text(std::string(OnePass::kText));
  plan_request.mutable_inline_text()->set_last(true);
  plan_request.mutable_inline_text()->set_name("t.csv");
  const auto plan = setup.Plan(plan_request);
  ASSERT_TRUE(plan.ok()) << plan.status();
  pb::LoadRequest request =
      LoadRequestFor({}, plan->splits(0), plan->schema(), plan->schema());
  pb::InlineText& text = *request.mutable_inline_text();
  text.set_name("t.csv");
  text.set_text(std::string(OnePass::kText.substr(plan->splits(0).offset())));
  request.mutable_id()->set_job("j");
  request.set_read_again(true);
  ASSERT_TRUE(setup.Load(request).ok());
  EXPECT_TRUE(setup.Load(request)->kept());
  text.mutable_text()->back() = 'z';
  EXPECT_THAT(Failure(setup.Load(request)), HasSubstr("INPUT_CHANGED"));
}

}  // namespace
}  // namespace troupe::loader
