#include "client/coordinator/passes/input_plan.h"

#include <algorithm>
#include <utility>

#include "client/coordinator/state/journal.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// More splits than this in hand, and no page is asked for.
constexpr size_t kEnoughSplits = 64;
// Of a page that is planned beside the work: loads wait while one is made, and
// each is a commit of the journal.
constexpr int kSplitsPerPage = 8;
// The shortest row: one character and its line end.
constexpr int64_t kShortestRow = 2;

constexpr char kLoader[] = "loader";

std::vector<std::string> NamesOf(const pb::Schema& schema) {
  std::vector<std::string> names;
  for (const pb::Field& field : schema.fields()) names.push_back(field.name());
  return names;
}

// The files whose end was reached, as the manifest names them.
void AddInputs(const JobInput& input, const pb::PlanResponse& page,
               std::vector<pb::InputFile>* inputs) {
  for (const pb::FileDigest& digest : page.digests()) {
    pb::InputFile& file = inputs->emplace_back();
    file.set_name(digest.path().empty() ? input.name() : digest.path());
    file.set_bytes(digest.bytes());
    file.set_sha256(digest.sha256());
  }
}

// Enters a page into the plan, except its splits.
void Follow(const JobInput& input, const pb::PlanResponse& page,
            InputPlan& plan) {
  plan.schema = page.schema();
  plan.missing.assign(page.missing().begin(), page.missing().end());
  plan.short_rows = page.short_rows();
  plan.rows_rejected = page.rejected_rows();
  plan.first_rejected.assign(page.rejected().begin(), page.rejected().end());
  plan.nested.assign(page.nested().begin(), page.nested().end());
  plan.rows = page.rows();
  plan.bytes = page.planned_bytes();
  AddInputs(input, page, &plan.inputs);
}

// What the journal holds of the plan. Returns where to go on: the last page.
absl::StatusOr<pb::PlanResponse> Recall(JobContext& context,
                                        const JobInput& input,
                                        InputPlan& plan) {
  const Journal& journal = *context.environment().journal;
  ASSIGN_OR_RETURN(const std::optional<pb::PlannedInput> planned,
                   journal.Planned(context.id()));
  if (!planned.has_value()) return pb::PlanResponse();
  ASSIGN_OR_RETURN(plan.splits, journal.Splits(context.id(), 0));
  Follow(input, planned->page(), plan);
  return planned->page();
}

}  // namespace

std::vector<std::string> InputPlan::Columns() const { return NamesOf(schema); }

absl::StatusOr<InputPlan> PlanWholeInput(JobContext& context,
                                         const JobInput& input,
                                         int64_t max_rows, bool journaled) {
  InputPlan plan;
  pb::PlanResponse page;
  context.BeginPhase("plan", input.bytes());
  if (journaled) {
    ASSIGN_OR_RETURN(page, Recall(context, input, plan));
    if (!plan.splits.empty() && page.next_cursor().empty()) return plan;
  }
  do {
    ASSIGN_OR_RETURN(pb::PlanRequest request,
                     input.Plan(page.next_cursor(), page.next_offset()));
    request.set_max_rows(max_rows);
    request.set_split_bytes(context.limits().split_bytes);
    // How much there is, the first page tells: who must wait for a turn among
    // the long jobs begins anew, and has read no more than a split until then.
    if (page.next_cursor().empty()) request.set_max_splits(1);
    ASSIGN_OR_RETURN(page, context.Call<pb::PlanResponse>(
                               kLoader, stage_method::kPlan, std::move(request),
                               {}, input.Affinity(context.id(), "")));
    if (journaled)
      RETURN_IF_ERROR(
          context.environment().journal->AddPage(context.id(), page));
    plan.splits.insert(plan.splits.end(), page.splits().begin(),
                       page.splits().end());
    Follow(input, page, plan);
    context.meter().SetTotal(std::max(page.total_bytes(), input.bytes()));
    context.meter().SetRead(page.rows(), page.planned_bytes(),
                            context.environment().clock->Monotonic());
  } while (!page.next_cursor().empty() &&
           (max_rows == 0 || plan.rows < max_rows));
  return plan;
}

std::optional<pb::Split> PlannedSplits::Next() {
  if (done()) return std::nullopt;
  return plan_->splits[next_++];
}

StreamedSplits::StreamedSplits(JobContext* context, const JobInput* input,
                               pb::Schema pinned, bool journaled)
    : context_(context),
      input_(input),
      pinned_(std::move(pinned)),
      journaled_(journaled),
      total_bytes_(input->bytes()) {}

absl::Status StreamedSplits::Begin(int64_t first) {
  if (journaled_) {
    const Journal& journal = *context_->environment().journal;
    ASSIGN_OR_RETURN(const std::optional<pb::PlannedInput> planned,
                     journal.Planned(context_->id()));
    if (planned.has_value()) {
      ASSIGN_OR_RETURN(const std::vector<pb::Split> splits,
                       journal.Splits(context_->id(), first));
      queue_.assign(splits.begin(), splits.end());
      Follow(planned->page());
      return absl::OkStatus();
    }
  }
  AskForPage();
  return absl::OkStatus();
}

std::optional<pb::Split> StreamedSplits::Next() {
  if (queue_.size() < kEnoughSplits && !asking_ && !last_page_seen_)
    AskForPage();
  if (queue_.empty()) return std::nullopt;
  pb::Split split = std::move(queue_.front());
  queue_.pop_front();
  return split;
}

void StreamedSplits::AskForPage() {
  auto request = input_->Plan(cursor_, offset_);
  if (!request.ok()) {
    status_ = request.status();
    last_page_seen_ = true;
    return;
  }
  *request->mutable_pinned() = pinned_;
  request->set_split_bytes(context_->limits().split_bytes);
  request->set_max_splits(kSplitsPerPage);
  asking_ = true;
  context_->Start(kLoader, stage_method::kPlan, *std::move(request),
                  TableBytes(), {}, input_->Affinity(context_->id(), ""),
                  [this, present = present_](StageResult result) {
                    if (!*present) return;
                    asking_ = false;
                    status_ = TakePage(result);
                    if (!status_.ok()) last_page_seen_ = true;
                  });
}

absl::Status StreamedSplits::TakePage(const StageResult& result) {
  RETURN_IF_ERROR(result.status);
  ASSIGN_OR_RETURN(pb::PlanResponse page,
                   ParseHeader<pb::PlanResponse>(result));
  if (journaled_)
    RETURN_IF_ERROR(
        context_->environment().journal->AddPage(context_->id(), page));
  queue_.insert(queue_.end(), page.splits().begin(), page.splits().end());
  Follow(page);
  return absl::OkStatus();
}

void StreamedSplits::Follow(const pb::PlanResponse& page) {
  columns_ = NamesOf(page.schema());
  cursor_ = page.next_cursor();
  offset_ = page.next_offset();
  last_page_seen_ = cursor_.empty();
  total_bytes_ = std::max(page.total_bytes(), input_->bytes());
  if (last_page_seen_) {
    rows_at_most_ = page.rows();
    total_bytes_ = page.planned_bytes();
  } else if (total_bytes_ >= page.planned_bytes()) {
    rows_at_most_ =
        page.rows() + (total_bytes_ - page.planned_bytes()) / kShortestRow + 1;
  }
  AddInputs(*input_, page, &inputs_);
}

}  // namespace troupe
