#include "client/coordinator/passes/fitting.h"

#include <atomic>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/passes/batch_pass.h"
#include "client/coordinator/passes/partial_fold.h"
#include "client/coordinator/stages/death_count.h"
#include "client/coordinator/stages/retry_policy.h"
#include "client/coordinator/state/journal.h"
#include "services/base/crc32c.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// A stage that never ends fitting is a bug, not a job.
constexpr int kMaxPasses = 1000;
// Times that a fit may break off otherwise than by a death.
constexpr int kMaxCharges = 4;
constexpr absl::Duration kAskAgain = absl::Milliseconds(500);
constexpr absl::Duration kLeastFitPause = absl::Milliseconds(20);
constexpr absl::Duration kMostFitPause = absl::Seconds(5);

FlowPlan PlanOf(const TrainingInput& training,
                const std::vector<FlowHop>& before) {
  FlowPlan plan;
  plan.columns = training.columns;
  plan.rows = training.rows;
  plan.row_split = training.split;
  for (const pb::Field& field : training.columns.fields())
    if (field.role() == pb::TARGET) plan.target_required = true;
  plan.hops = before;
  return plan;
}

// Keeps what a pass ended with, and journals that it is done.
absl::Status TakeMerged(JobContext& context, const pb::MergeResponse& merged,
                        const std::string& step, pb::FinishedStep* done) {
  done->clear_state();
  if (merged.has_artifact()) {
    ASSIGN_OR_RETURN(*done->mutable_artifact(),
                     context.Keep(merged.artifact()));
  } else if (merged.has_state()) {
    ASSIGN_OR_RETURN(*done->mutable_state(), context.Keep(merged.state()));
  }
  done->mutable_warnings()->MergeFrom(merged.warnings());
  done->set_passes_left(merged.passes_left());
  done->set_perhaps_more_passes(merged.perhaps_more_passes());
  return context.environment().journal->FinishStep(context.id(), step, *done);
}

// "pass 2 of 3", as far as that is known.
std::string PassOf(const pb::FinishedStep& done) {
  std::string text = absl::StrCat("pass ", done.passes() + 1);
  if (done.passes_left() > 0)
    absl::StrAppend(&text, " of ", done.passes() + done.passes_left(),
                    done.perhaps_more_passes() ? " or more" : "");
  return text;
}

// Tells the journal's readers of something that took from `begun` until now.
absl::Status Tell(JobContext& context, absl::string_view kind,
                  absl::string_view what, const RejectAccount& account,
                  absl::Duration begun) {
  const absl::Duration took = context.environment().clock->Monotonic() - begun;
  return context.AddEvent(
      kind, absl::StrCat(what, ": ", account.rows_read(), " rows read, ",
                         account.rows_rejected(), " rejected, ",
                         absl::FormatDuration(
                             absl::Trunc(took, absl::Milliseconds(1)))));
}

BatchSink FoldInto(PartialFold& fold) {
  return {[&fold](BatchOutput output) {
            return fold.Add(std::move(output.partials));
          },
          {},
          {}};
}

// Lets things happen until monotonic `until`.
absl::Status PumpUntil(JobContext& context, absl::Duration until) {
  while (context.environment().clock->Monotonic() < until)
    RETURN_IF_ERROR(context.Pump());
  return absl::OkStatus();
}

// Opens the Fit; waits for as long as no replica serves.
absl::StatusOr<std::unique_ptr<FitSession>> OpenFit(JobContext& context,
                                                    const FitCall& call) {
  while (true) {
    auto session = context.environment().calls->StartFit(call);
    // After this, a cancel finds the session; before, it is seen here.
    RETURN_IF_ERROR(context.Check());
    if (session.ok() || ReasonOf(session.status()) != "NO_REPLICA") {
      context.SetStalled({});
      return session;
    }
    context.SetStalled({call.stage});
    RETURN_IF_ERROR(PumpUntil(
        context, context.environment().clock->Monotonic() + kAskAgain));
  }
}

// How far a fit is, told by the thread that waits for it.
struct RoundsSeen {
  std::atomic<int32_t> done = 0;
  std::atomic<int32_t> at_most = 0;
};

// Waits for the answer on a thread of its own, so that the job can be watched
// and cancelled meanwhile.
absl::StatusOr<Learned> FinishFit(JobContext& context, FitSession& session,
                                  const RoundsSeen& rounds) {
  absl::StatusOr<Learned> learned = absl::UnknownError("the fit has not ended");
  bool ended = false;
  std::thread waiter([&, events = context.live().events()] {
    absl::StatusOr<Learned> answer = session.Finish();
    auto shared = std::make_shared<absl::StatusOr<Learned>>(std::move(answer));
    events->Post([&, shared] {
      learned = std::move(*shared);
      ended = true;
    });
  });
  absl::Status pumped;
  while (!ended && pumped.ok()) {
    context.meter().SetRounds(rounds.done, rounds.at_most,
                              context.environment().clock->Monotonic());
    pumped = context.Pump();
  }
  // Whoever asked the job to stop has cancelled the fit, too.
  if (!ended) context.environment().calls->CancelJob(context.id());
  waiter.join();
  while (!ended) context.live().events()->RunOne(absl::ZeroDuration());
  RETURN_IF_ERROR(pumped);
  return learned;
}

// Streams the pass into a fit, and waits for the answer.
absl::StatusOr<Learned> StreamFit(JobContext& context,
                                  const TrainingInput& training,
                                  const std::vector<FlowHop>& before,
                                  FitSession& session, const RoundsSeen& rounds,
                                  RejectAccount& account) {
  FlowPlan plan = PlanOf(training, before);
  plan.read_before = true;  // The last pass over these rows.
  PlannedSplits splits(training.plan);
  const auto write = [&](const BatchOutput& output) -> absl::Status {
    for (const BatchPiece& piece : output.pieces)
      RETURN_IF_ERROR(session.Write(piece.table));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(RunPass(context, *training.input, plan, splits, account,
                          {write, {}, {}}));
  return FinishFit(context, session, rounds);
}

// One try of a Fit: opens it, streams, and notes whether its replica died of
// it.
absl::StatusOr<Learned> TryFit(JobContext& context,
                               const TrainingInput& training,
                               const std::vector<FlowHop>& before,
                               FitCall& call, DeathCount& deaths,
                               RejectAccount& account) {
  const Clock& clock = *context.environment().clock;
  const auto rounds = std::make_shared<RoundsSeen>();
  call.options.on_progress = [rounds](const pb::FitProgress& progress) {
    rounds->done = progress.rounds();
    rounds->at_most = progress.rounds_at_most();
  };
  context.BeginPhase(absl::StrCat("fit ", call.stage), training.plan->bytes);
  ASSIGN_OR_RETURN(const std::unique_ptr<FitSession> session,
                   OpenFit(context, call));
  call.avoided.push_back(session->replica());
  const absl::Duration begun = clock.Monotonic();
  absl::StatusOr<Learned> learned =
      StreamFit(context, training, before, *session, *rounds, account);
  if (!learned.ok() && session->died())
    deaths.Died(begun, clock.Monotonic(), session->unrest());
  return learned;
}

void WriteAccount(const RejectAccount& account, pb::FinishedStep* done) {
  done->set_rows_read(account.rows_read());
  done->set_rows_rejected(account.rows_rejected());
  done->clear_first_rejected();
  for (const pb::RejectedRow& row : account.first())
    *done->add_first_rejected() = row;
}

RejectAccount AccountOf(const pb::Source& source,
                        const pb::FinishedStep& done) {
  RejectAccount account(source);
  account.Restore(done.rows_read(), done.rows_rejected(),
                  {done.first_rejected().begin(), done.first_rejected().end()});
  return account;
}

}  // namespace

absl::StatusOr<std::string> FitByObserving(
    JobContext& context, const TrainingInput& training,
    const std::vector<FlowHop>& before, const FlowHop& hop,
    const pb::Schema& arriving, const std::string& what,
    const std::string& step, RejectAccount& account,
    std::vector<std::string>* warnings) {
  Journal& journal = *context.environment().journal;
  FlowPlan plan = PlanOf(training, before);
  // Whether a further pass follows is known only when this one is merged; what
  // nobody reads again the loader drops by itself.
  plan.read_again = true;
  plan.observe.emplace();
  plan.observe->hop = hop;
  plan.observe->hop.artifact.clear();
  pb::FinishedStep done;
  ASSIGN_OR_RETURN(std::optional<pb::FinishedStep> known,
                   journal.Step(context.id(), step));
  if (known.has_value()) {
    done = *std::move(known);
    plan.observe->state = done.state();
  } else {
    // The first merge tells whether there is anything to observe.
    ASSIGN_OR_RETURN(
        const pb::MergeResponse merged,
        PartialFold(&context, &*plan.observe, &arriving, training.plan->rows)
            .Finish());
    RETURN_IF_ERROR(TakeMerged(context, merged, step, &done));
  }
  while (done.artifact().empty()) {
    const int pass = done.passes() + 1;
    if (done.state().empty() || pass > kMaxPasses)
      return absl::InternalError(absl::StrCat(
          "stage ", hop.stage, " came to no end of fitting in pass ", pass));
    plan.observe->state = done.state();
    const std::string phase =
        absl::StrCat("fit ", what, " (", PassOf(done), ")");
    context.BeginPhase(phase, training.plan->bytes);
    const absl::Duration begun = context.environment().clock->Monotonic();
    PartialFold fold(&context, &*plan.observe, &arriving, training.plan->rows);
    PlannedSplits splits(training.plan);
    account = RejectAccount(training.input->source());
    RETURN_IF_ERROR(RunPass(context, *training.input, plan, splits, account,
                            FoldInto(fold)));
    ASSIGN_OR_RETURN(const pb::MergeResponse merged, fold.Finish());
    done.set_passes(pass);
    WriteAccount(account, &done);
    RETURN_IF_ERROR(TakeMerged(context, merged, step, &done));
    RETURN_IF_ERROR(Tell(context, "PASS_DONE", phase, account, begun));
  }
  account = AccountOf(training.input->source(), done);
  warnings->insert(warnings->end(), done.warnings().begin(),
                   done.warnings().end());
  return done.artifact();
}

// Waits before the next try. Trainings that were refused together come back one
// by one: how long each waits is drawn from its name.
absl::Status PauseFit(JobContext& context, int failures, absl::Duration least) {
  const uint32_t drawn = Crc32c(absl::StrCat(context.id(), "/", failures));
  return PumpUntil(context, context.environment().clock->Monotonic() + least +
                                Backoff(failures, kLeastFitPause, kMostFitPause,
                                        drawn / 4294967296.0));
}

absl::StatusOr<FitResult> FitByStreaming(JobContext& context,
                                         const TrainingInput& training,
                                         const std::vector<FlowHop>& before,
                                         const FlowHop& hop,
                                         const pb::FitStart& start,
                                         const std::string& step,
                                         RejectAccount& account) {
  FitCall call;
  call.stage = hop.stage;
  call.job = context.id();
  call.start = start;
  call.options.timeout = context.limits().fit_timeout;
  call.options.max_artifact_bytes = context.limits().max_artifact_bytes;
  ASSIGN_OR_RETURN(std::optional<pb::FinishedStep> known,
                   context.environment().journal->Step(context.id(), step));
  if (known.has_value()) {
    account = AccountOf(training.input->source(), *known);
    return FitResult{known->artifact(), known->fit()};
  }
  const Clock& clock = *context.environment().clock;
  int charges = 0;
  DeathCount deaths;
  for (int attempt = 1;; ++attempt) {
    call.quiet_since = deaths.quiet_since(clock.Monotonic());
    *call.start.mutable_id() = context.Batch(0);
    call.start.mutable_id()->set_attempt(attempt);
    RejectAccount counted(training.input->source());
    const absl::Duration begun = clock.Monotonic();
    absl::StatusOr<Learned> learned =
        TryFit(context, training, before, call, deaths, counted);
    if (learned.ok()) {
      account = counted;
      FitResult result;
      ASSIGN_OR_RETURN(result.artifact, context.Keep(learned->artifact));
      result.learned = std::move(learned->result);
      pb::FinishedStep done;
      done.set_artifact(result.artifact);
      *done.mutable_fit() = result.learned;
      WriteAccount(account, &done);
      RETURN_IF_ERROR(
          context.environment().journal->FinishStep(context.id(), step, done));
      RETURN_IF_ERROR(Tell(context, "FIT_DONE",
                           absl::StrCat("fit ", hop.stage, " (",
                                        result.learned.rounds(), " rounds)"),
                           account, begun));
      return result;
    }
    const FitRetry retry = RetryOfFit(learned.status());
    // Deaths are counted by themselves; what only waited there is not to blame.
    if (retry == FitRetry::kCharged && !IsDeath(learned.status())) ++charges;
    if (!context.Check().ok() || charges == kMaxCharges || deaths.guilty() ||
        retry == FitRetry::kNever)
      return learned.status();
    context.CountRetry();
    LogError("fit starts over", learned.status(),
             {{"job", context.id()}, {"stage", call.stage}});
    // The last one only: the others may be well again.
    if (call.avoided.size() > 1) call.avoided = {call.avoided.back()};
    RETURN_IF_ERROR(PauseFit(context, attempt, deaths.Pause()));
  }
}

absl::StatusOr<pb::Evaluation> EvaluateRows(
    JobContext& context, const JobInput& input, SplitSource& splits,
    FlowPlan plan, const FlowHop& model, const pb::Schema& arriving,
    RejectAccount& account, std::vector<std::string>* warnings) {
  plan.observe.emplace();
  plan.observe->hop = model;
  plan.observe->purpose = pb::EVALUATION;
  PartialFold fold(&context, &*plan.observe, &arriving);
  RETURN_IF_ERROR(
      RunPass(context, input, plan, splits, account, FoldInto(fold)));
  if (account.rows_read() == account.rows_rejected())
    return MakeError(absl::StatusCode::kInvalidArgument, "NO_ROWS",
                     "there are no rows to evaluate on");
  ASSIGN_OR_RETURN(pb::MergeResponse merged, fold.Finish());
  warnings->insert(warnings->end(), merged.warnings().begin(),
                   merged.warnings().end());
  if (!merged.has_evaluation())
    return absl::InternalError(
        absl::StrCat("stage ", model.stage, " answered no evaluation"));
  return merged.evaluation();
}

}  // namespace troupe
