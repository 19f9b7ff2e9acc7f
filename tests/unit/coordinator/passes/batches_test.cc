// Pieces, folds and accounts: what batches are made of.
#include <atomic>

#include "client/coordinator/passes/batch_flow.h"
#include "client/coordinator/passes/batch_pass.h"
#include "client/coordinator/passes/fitting.h"
#include "client/coordinator/passes/partial_fold.h"
#include "client/coordinator/passes/reject_account.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_company.h"

namespace troupe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RejectedRows Rejected(const std::vector<int64_t>& ordinals) {
  RejectedRows rows;
  for (const int64_t ordinal : ordinals)
    rows.Add(ordinal, {"BAD_ROW", "it is bad", "", ""});
  return rows;
}

pb::Source Rejecting(double limit) {
  pb::Source source;
  source.set_on_bad_row(pb::REJECT);
  source.set_max_rejects(limit);
  return source;
}

TEST(RowsPerPiece, KeepsEveryMessageBelowTheLimit) {
  EXPECT_EQ(RowsPerPiece(100, 1000, 90, 1000), 10);  // 90 made, 10 passing.
  EXPECT_EQ(RowsPerPiece(100, 1000, 90, 10), 1);     // At least a row.
  EXPECT_EQ(RowsPerPiece(100, 1000, 90, 1 << 30), 100);
  EXPECT_EQ(RowsPerPiece(1, 0, 0, 1), 1);
  EXPECT_EQ(RowsPerPiece(0, 0, 0, 1), 1);
}

// A pass over `splits` splits of ten rows each, 0 to 9, 10 to 19, ...
struct TenRowsEach {
  explicit TenRowsEach(int64_t splits) {
    office.company.splits = splits;
    office.company.rows_per_split = 10;
    plan = *PlanWholeInput(context, input, 0, false);
    flow.columns = plan.schema;
  }
  absl::Status Run(const BatchSink& sink) {
    PlannedSplits splits(&plan);
    return RunPass(context, input, flow, splits, account, sink);
  }
  // Takes the ordinals of the rows that come out.
  absl::Status Take(const BatchOutput& output) {
    for (const BatchPiece& piece : output.pieces) {
      const Table table = *ParseTable(*piece.table.TableString());
      for (int64_t i = 0; i < table.rows; ++i) rows.push_back(table.Ordinal(i));
    }
    return absl::OkStatus();
  }

  FakeOffice office;
  JobContext context{&office.environment,
                     std::make_shared<LiveJob>(office.WritingJob("j"))};
  const JobInput input{pb::Source()};
  InputPlan plan;
  FlowPlan flow;
  RejectAccount account{pb::Source()};
  std::vector<int64_t> rows;
};

TEST(PlanWholeInput, BeginsWithOneSplit) {
  TenRowsEach job(3);
  ASSERT_EQ(job.office.company.plan_requests.size(), 1u);
  EXPECT_EQ(job.office.company.plan_requests[0].max_splits(), 1);
}

TEST(RunPass, SendsWideHopsPieceByPieceWithoutLosingARow) {
  TenRowsEach pass(1);
  pass.office.environment.limits.max_batch_bytes = 4000;
  pass.flow.hops.resize(2);
  pass.flow.hops[0].output_bytes_per_row = 1000;
  ASSERT_TRUE(
      pass.Run({[&](const BatchOutput& output) { return pass.Take(output); },
                {},
                {}})
          .ok());
  EXPECT_THAT(pass.rows, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  ASSERT_EQ(pass.office.company.processed.size(), 8u);  // 4 pieces, 2 hops.
  EXPECT_EQ(pass.office.company.processed[2].rows().begin(), 3);
}

TEST(RunPass, LoadsManyColumnsPieceByPiece) {
  TenRowsEach pass(2);
  // Ten bytes of text in a split, a column of nine bytes: ten bytes a row.
  pass.office.environment.limits.max_batch_bytes = 40;
  ASSERT_TRUE(
      pass.Run({[&](const BatchOutput& output) { return pass.Take(output); },
                {},
                {}})
          .ok());
  EXPECT_EQ(pass.rows.size(), 20u);
  EXPECT_TRUE(std::is_sorted(pass.rows.begin(), pass.rows.end()));
  std::vector<int64_t> ends;  // Of the pieces of split 1.
  for (const pb::LoadRequest& request : pass.office.company.load_requests)
    if (request.split().number() == 1) ends.push_back(request.rows().end());
  EXPECT_THAT(ends, ElementsAre(4, 8, 10));
}

TEST(RunPass, HandsOverThePiecesOfTheOldestBatchBeforeItIsDone) {
  TenRowsEach pass(1);
  pass.office.environment.limits.max_batch_bytes = 40;  // 4, 4 and 2 rows.
  std::vector<size_t> loads;  // Sent when a piece came out.
  std::vector<int64_t> rows_at_end;
  ASSERT_TRUE(
      pass.Run({[&](const BatchOutput& output) {
                  loads.push_back(pass.office.company.load_requests.size());
                  return pass.Take(output);
                },
                [&](const BatchResult& batch) {
                  rows_at_end = {batch.rows_ok,
                                 static_cast<int64_t>(pass.rows.size())};
                  return absl::OkStatus();
                },
                {}})
          .ok());
  EXPECT_THAT(loads, ElementsAre(2, 3, 3));
  EXPECT_THAT(rows_at_end, ElementsAre(10, 10));
}

// Runs a pass of one split of ten rows, 0 to 9, through `hops` hops that render
// at most `max_bytes` bytes. Returns the text that comes out.
absl::StatusOr<std::string> RenderTenRows(TenRowsEach& pass, size_t hops,
                                          int64_t max_bytes,
                                          const std::string& name = "x") {
  pass.flow.hops.resize(hops);
  pass.flow.text.emplace();
  pass.flow.text->add_columns(name);
  pass.flow.text->set_max_bytes(max_bytes);
  std::string text;
  RETURN_IF_ERROR(pass.Run({[&](const BatchOutput& output) -> absl::Status {
                              for (const BatchPiece& piece : output.pieces)
                                text += *piece.table.TableString();
                              return absl::OkStatus();
                            },
                            {},
                            {}}));
  return text;
}

TEST(RunPass, LetsTheLastHopRender) {
  TenRowsEach pass(1);
  EXPECT_EQ(*RenderTenRows(pass, 2, 0), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  ASSERT_EQ(pass.office.company.processed.size(), 2u);
  EXPECT_EQ(pass.office.company.processed[0].form(),
            pb::TABLE_FORM_UNSPECIFIED);
  EXPECT_EQ(pass.office.company.processed[1].form(), pb::LINES);
}

TEST(RunPass, LetsTheLoaderRenderWhereThereAreNoHops) {
  TenRowsEach pass(1);
  EXPECT_EQ(*RenderTenRows(pass, 0, 0), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

TEST(RunPass, AsksForFewerRowsWhereTheirTextIsTooLarge) {
  TenRowsEach pass(1);
  EXPECT_EQ(*RenderTenRows(pass, 1, 6), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  std::vector<int64_t> rows;
  for (const pb::ProcessRequest& request : pass.office.company.processed)
    rows.push_back(request.rows().end() - request.rows().begin());
  EXPECT_THAT(rows, ElementsAre(0 /* all */, 5, 3, 3, 3, 1));
}

TEST(RunPass, FailsWhereOneRowsTextIsTooLarge) {
  TenRowsEach pass(1);
  const absl::Status status = RenderTenRows(pass, 1, 1).status();
  EXPECT_EQ(ReasonOf(status), "TEXT_TOO_LARGE") << status;
}

TEST(RunPass, FailsWhereOtherColumnsAreRenderedThanTheHeaderSays) {
  TenRowsEach pass(1);
  const absl::Status status = RenderTenRows(pass, 1, 0, "y").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
}

TEST(RunPass, FailsWhereAStageAnswersATableInPlaceOfText) {
  TenRowsEach pass(1);
  pass.office.company.knows_text = false;
  EXPECT_THAT(RenderTenRows(pass, 1, 0).status().message(),
              HasSubstr("answered a table where text was asked for"));
}

TEST(Fitting, AsksTheLoaderToKeepWhatTheLastPassTakes) {
  FakeOffice office;
  office.company.splits = 2;
  office.company.passes = 2;  // The first without rows.
  JobContext context(&office.environment,
                     std::make_shared<LiveJob>(office.WritingJob("j")));
  const JobInput input{pb::Source()};
  const auto plan = *PlanWholeInput(context, input, 0, false);
  TrainingInput training;
  training.input = &input;
  training.plan = &plan;
  training.columns = plan.schema;
  training.rows = pb::ALL_ROWS;
  RejectAccount account{pb::Source()};
  std::vector<std::string> warnings;
  ASSERT_TRUE(FitByObserving(context, training, {}, FlowHop(), plan.schema,
                             "hop", "fit hop 0", account, &warnings)
                  .ok());
  ASSERT_TRUE(FitByStreaming(context, training, {}, FlowHop(), pb::FitStart(),
                             "fit hop 1", account)
                  .ok());
  std::vector<bool> again;
  for (const pb::LoadRequest& request : office.company.load_requests)
    again.push_back(request.read_again());
  EXPECT_THAT(again, ElementsAre(true, true, true, true, false, false));
  EXPECT_EQ(office.company.fitted_tables, 2);
}

absl::StatusOr<FitResult> FitWith(FakeOffice& office) {
  JobContext context(&office.environment,
                     std::make_shared<LiveJob>(office.WritingJob("j")));
  const JobInput input{pb::Source()};
  const auto plan = *PlanWholeInput(context, input, 0, false);
  TrainingInput training;
  training.input = &input;
  training.plan = &plan;
  training.columns = plan.schema;
  RejectAccount account{pb::Source()};
  return FitByStreaming(context, training, {}, FlowHop(), pb::FitStart(), "fit",
                        account);
}

TEST(Fitting, StartsOverElsewhereWhereAReplicaDies) {
  FakeOffice office;
  office.company.fit_errors = {absl::UnavailableError("Connection reset")};
  const auto fit = FitWith(office);
  ASSERT_TRUE(fit.ok()) << fit.status();
  ASSERT_EQ(office.company.fits.size(), 2u);
  EXPECT_EQ(office.company.fitted_tables, 2 * office.company.splits);
  EXPECT_THAT(office.company.fits[1].avoided, ElementsAre("fake"));
  EXPECT_EQ(office.company.fits[1].start.id().attempt(), 2);
}

TEST(Fitting, DoesNotTryAgainForAnArtifactThatIsTooLarge) {
  FakeOffice office;
  office.environment.limits.max_artifact_bytes = 7;
  office.company.fit_errors = {ArtifactTooLarge(7, "--max_artifact_bytes")};
  EXPECT_EQ(ReasonOf(FitWith(office).status()), "ARTIFACT_TOO_LARGE");
  ASSERT_EQ(office.company.fits.size(), 1u);
  EXPECT_EQ(office.company.fits[0].options.max_artifact_bytes, 7);
}

TEST(Fitting, StartsOverAsOftenAsItIsRefusedOrBouncedInOrder) {
  FakeOffice office;
  office.company.fit_errors = {Draining("model"), Draining("model"),
                               NotReady("model"), Draining("model"),
                               MailboxFull(64, 0)};
  const auto fit = FitWith(office);
  EXPECT_TRUE(fit.ok()) << fit.status();
  EXPECT_EQ(office.company.fits.size(), 6u);
}

TEST(Fitting, GivesUpWhatBreaksOffAgainAndAgain) {
  FakeOffice office;
  office.company.fit_errors.assign(10, absl::UnavailableError("died"));
  EXPECT_TRUE(absl::IsUnavailable(FitWith(office).status()));
  EXPECT_EQ(office.company.fits.size(), 4u);
}

// Time passes whenever somebody looks at it.
class HurriedClock : public FakeClock {
 public:
  absl::Duration Monotonic() const override {
    return FakeClock::Monotonic() + looks_.fetch_add(1) * absl::Seconds(10);
  }

 private:
  mutable std::atomic<int> looks_{0};
};

TEST(Fitting, GivesUpWhatDiesAgainAndAgainOnAQuietCompany) {
  HurriedClock clock;
  FakeOffice office;
  office.environment.clock = &clock;
  office.company.fit_errors.assign(20, absl::UnavailableError("Socket closed"));
  EXPECT_TRUE(absl::IsUnavailable(FitWith(office).status()));
  EXPECT_EQ(office.company.fits.size(), 8u);
}

TEST(Fitting, SurvivesAStormOfKills) {
  HurriedClock clock;
  FakeOffice office;
  office.environment.clock = &clock;
  office.company.fit_errors.assign(10, absl::UnavailableError("Socket closed"));
  office.company.fit_unrest = true;
  const auto fit = FitWith(office);
  EXPECT_TRUE(fit.ok()) << fit.status();
  EXPECT_EQ(office.company.fits.size(), 11u);
}

TEST(PartialFold, JoinsPartialsInOrderAndAtMost64AtATime) {
  FakeOffice office;
  JobContext context(&office.environment,
                     std::make_shared<LiveJob>(office.WritingJob("j")));
  const FlowObserve observe;
  const pb::Schema schema;
  PartialFold fold(&context, &observe, &schema);
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(fold.Add({std::to_string(i) + " "}).ok());
    expected += std::to_string(i) + " ";
  }
  EXPECT_EQ(fold.Finish()->artifact(), expected);
  for (const pb::MergeRequest& request : office.company.merged)
    EXPECT_LE(request.partials_size(), 64);
  EXPECT_EQ(office.company.merged.size(), 4u);
}

TEST(PartialFold, JoinsWhatIsLargeSoonButNeverIntoATooLargePartial) {
  FakeOffice office;
  JobContext context(&office.environment,
                     std::make_shared<LiveJob>(office.WritingJob("j")));
  const FlowObserve observe;
  const pb::Schema schema;
  PartialFold fold(&context, &observe, &schema);
  std::string expected;
  for (char letter = 'a'; letter < 'a' + 12; ++letter) {
    ASSERT_TRUE(fold.Add({std::string(5 << 20, letter)}).ok());
    expected += std::string(5 << 20, letter);
  }
  EXPECT_EQ(fold.Finish()->artifact(), expected);
  std::vector<size_t> sizes;  // Of all partials of a merge, in MiB.
  for (const pb::MergeRequest& request : office.company.merged) {
    if (request.offset() > 0) continue;  // A further piece of the artifact.
    sizes.push_back(0);
    for (const std::string& partial : request.partials())
      sizes.back() += partial.size() >> 20;
  }
  EXPECT_THAT(sizes, ElementsAre(20, 60));
}

TEST(PartialFold, RefusesAPartialLargerThanTheContractAllows) {
  FakeOffice office;
  JobContext context(&office.environment,
                     std::make_shared<LiveJob>(office.WritingJob("j")));
  const FlowObserve observe;
  const pb::Schema schema;
  PartialFold fold(&context, &observe, &schema);
  EXPECT_FALSE(fold.Add({std::string((32 << 20) + 1, 'x')}).ok());
}

TEST(RejectAccount, FailsAtTheFirstBadRowByDefault) {
  RejectAccount account{pb::Source()};
  const absl::Status status = account.Add(5, Rejected({3, 4}), 100);
  EXPECT_EQ(ReasonOf(status), "BAD_ROW");
  EXPECT_EQ(MetadataOf(status)["row"], "3");
}

TEST(RejectAccount, AllowsTheLimitAndNotOneMore) {
  RejectAccount account(Rejecting(0.5));
  EXPECT_TRUE(account.Add(4, Rejected({0, 1}), INT64_MAX).ok());
  EXPECT_TRUE(account.Finish().ok());
  EXPECT_TRUE(account.Add(1, Rejected({4}), INT64_MAX).ok());
  EXPECT_EQ(ReasonOf(account.Finish()), "TOO_MANY_REJECTS");
}

TEST(RejectAccount, GivesUpAsSoonAsThereIsNoHope) {
  RejectAccount account(Rejecting(0.1));
  EXPECT_TRUE(account.Add(1, Rejected({0}), 10).ok());
  EXPECT_EQ(ReasonOf(account.Add(1, Rejected({1}), 10)), "TOO_MANY_REJECTS");
}

TEST(RejectAccount, KeepsTheFirstTwenty) {
  RejectAccount account(Rejecting(1));
  for (int64_t row = 0; row < 30; ++row)
    ASSERT_TRUE(account.Add(1, Rejected({row}), 100).ok());
  ASSERT_EQ(account.first().size(), 20u);
  EXPECT_EQ(account.first()[19].row(), 19);
  EXPECT_EQ(account.rows_rejected(), 30);
}

}  // namespace
}  // namespace troupe
