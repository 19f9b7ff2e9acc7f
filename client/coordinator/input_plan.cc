#include "client/coordinator/input_plan.h"

#include <utility>

#include "services/base/status_macros.h"

namespace troupe {
namespace {

// More splits than this in hand, and no page is asked for.
constexpr size_t kEnoughSplits = 64;
// The shortest row: one character and its line end.
constexpr int64_t kShortestRow = 2;

constexpr char kLoader[] = "loader";

std::vector<std::string> NamesOf(const pb::Schema& schema) {
  std::vector<std::string> names;
  for (const pb::Field& field : schema.fields()) names.push_back(field.name());
  return names;
}

std::vector<pb::Split> SplitsOf(const pb::PlanResponse& page) {
  return {page.splits().begin(), page.splits().end()};
}

}  // namespace

std::vector<std::string> InputPlan::Columns() const { return NamesOf(schema); }

absl::StatusOr<InputPlan> PlanWholeInput(JobContext& context,
                                         const JobInput& input,
                                         int64_t max_rows, bool record) {
  InputPlan plan;
  std::string cursor;
  int64_t offset = 0;
  context.BeginPhase("plan");
  do {
    ASSIGN_OR_RETURN(pb::PlanRequest request, input.Plan(cursor, offset));
    request.set_max_rows(max_rows);
    request.set_split_bytes(context.limits().split_bytes);
    ASSIGN_OR_RETURN(pb::PlanResponse page,
                     context.Call<pb::PlanResponse>(
                         kLoader, stage_method::kPlan, std::move(request), {},
                         input.Affinity(context.id(), "")));
    const std::vector<pb::Split> splits = SplitsOf(page);
    if (record)
      RETURN_IF_ERROR(
          context.environment().jobs->RecordBatches(context.id(), splits));
    plan.splits.insert(plan.splits.end(), splits.begin(), splits.end());
    plan.schema = page.schema();
    plan.missing.assign(page.missing().begin(), page.missing().end());
    plan.rows = page.rows();
    plan.bytes = page.planned_bytes();
    context.meter().SetTotal(page.total_bytes());
    context.meter().SetRead(page.rows(), page.planned_bytes(),
                            context.environment().clock->Monotonic());
    cursor = page.next_cursor();
    offset = page.next_offset();
  } while (!cursor.empty() && (max_rows == 0 || plan.rows < max_rows));
  return plan;
}

std::optional<pb::Split> PlannedSplits::Next() {
  if (done()) return std::nullopt;
  return plan_->splits[next_++];
}

StreamedSplits::StreamedSplits(JobContext* context, const JobInput* input,
                               pb::Schema pinned, bool record)
    : context_(context),
      input_(input),
      pinned_(std::move(pinned)),
      record_(record) {
  AskForPage();
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
                   JobContext::Parse<pb::PlanResponse>(result));
  const std::vector<pb::Split> splits = SplitsOf(page);
  if (record_)
    RETURN_IF_ERROR(
        context_->environment().jobs->RecordBatches(context_->id(), splits));
  queue_.insert(queue_.end(), splits.begin(), splits.end());
  columns_ = NamesOf(page.schema());
  cursor_ = page.next_cursor();
  offset_ = page.next_offset();
  last_page_seen_ = cursor_.empty();
  total_bytes_ = page.total_bytes();
  if (last_page_seen_) {
    rows_at_most_ = page.rows();
    total_bytes_ = page.planned_bytes();
  } else if (total_bytes_ >= page.planned_bytes()) {
    rows_at_most_ =
        page.rows() + (total_bytes_ - page.planned_bytes()) / kShortestRow + 1;
  }
  return absl::OkStatus();
}

}  // namespace troupe
