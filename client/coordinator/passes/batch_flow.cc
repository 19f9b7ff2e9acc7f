#include "client/coordinator/passes/batch_flow.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/passes/reject_account.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// Of a rejected row, as RejectedRows and as a string.
constexpr int64_t kBytesPerReject = 96;

// Returns how many they are.
template <typename Response>
absl::StatusOr<int64_t> AddRejected(const Response& response,
                                    RejectedRows* rows) {
  if (!response.has_rejected()) return 0;
  ASSIGN_OR_RETURN(const RejectedRows more,
                   RejectedRows::FromProto(response.rejected()));
  rows->Append(more);
  return more.size();
}

absl::Status Unbalanced(absl::string_view stage, int64_t in, int64_t out,
                        int64_t rejected) {
  return absl::InternalError(absl::StrCat("stage ", stage, " took ", in,
                                          " rows and accounts for ", out,
                                          " and ", rejected, " rejected ones"));
}

// A stage of another version than ours would answer a table to be appended.
absl::Status CheckForm(absl::string_view stage, bool text, pb::TableForm form) {
  if ((form == pb::LINES) == text) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("stage ", stage, " answered ", text ? "a table" : "text",
                   " where ", text ? "text" : "a table", " was asked for"));
}

}  // namespace

int64_t RowsPerPiece(int64_t rows, int64_t table_bytes,
                     int64_t output_bytes_per_row, int64_t max_bytes) {
  if (rows <= 1) return std::max<int64_t>(rows, 1);
  // What a hop makes, and what may pass through it.
  const int64_t per_row =
      std::max<int64_t>(1, output_bytes_per_row + table_bytes / rows);
  return std::clamp<int64_t>(max_bytes / per_row, 1, rows);
}

int64_t BatchFlow::Weight(const FlowPlan& plan, const pb::Split& split,
                          int64_t max_batch_bytes) {
  // A row is in the table or is rejected, perhaps with its text.
  const int64_t table =
      split.rows() * plan.columns.fields_size() * kLoadedBytesPerValue;
  const int64_t rejected = split.rows() * kBytesPerReject +
                           (plan.read_rejected_text ? split.bytes() : 0);
  const int64_t loaded = split.bytes() + std::max(table, rejected);
  int64_t widest = 0;
  for (const FlowHop& hop : plan.hops)
    widest = std::max(
        widest,
        std::min(max_batch_bytes, split.rows() * hop.output_bytes_per_row));
  // Results wait in full for their turn.
  const int64_t results =
      plan.observe.has_value() || plan.hops.empty()
          ? 0
          : split.rows() * plan.hops.back().output_bytes_per_row;
  return loaded + widest + results;
}

BatchFlow::BatchFlow(JobContext* context, const JobInput* input,
                     const FlowPlan* plan,
                     const std::vector<std::string>& source_columns,
                     pb::Split split)
    : context_(context),
      input_(input),
      plan_(plan),
      source_columns_(source_columns) {
  result_.split = std::move(split);
  Level& level = levels_.emplace_back();
  level.bytes = result_.split.bytes();
  level.rows = result_.split.rows();
  absl::Status status = Advance();
  if (!status.ok()) Finish(std::move(status));
}

std::function<void(StageResult)> BatchFlow::Step(
    absl::Status (BatchFlow::*take)(StageResult)) {
  return [this, take, present = present_](StageResult result) {
    if (!*present) return;
    absl::Status status = result.status;
    if (status.ok()) {
      status = (this->*take)(std::move(result));
    } else if (ReasonOf(status) == "TEXT_TOO_LARGE" && !levels_.empty()) {
      status = SendLess(status);
    }
    if (!status.ok()) Finish(std::move(status));
  };
}

void BatchFlow::Finish(absl::Status status) {
  result_.status = std::move(status);
  levels_.clear();
  done_ = true;
}

// Sends the next piece of the deepest table that is not yet through.
absl::Status BatchFlow::Advance() {
  const size_t depth = 1 + plan_->hops.size() + (plan_->observe ? 1 : 0);
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (levels_.size() > depth) {  // Through all hops: a result.
      result_.rows_ok += level.rows;
      if (level.rows > 0)
        output_.pieces.push_back({std::move(level.table), level.rows});
      levels_.pop_back();
    } else if (level.next >= level.rows) {
      levels_.pop_back();
    } else {
      return SendPiece();
    }
  }
  return FinishRows();
}

absl::Status BatchFlow::SendPiece() {
  Level& level = levels_.back();
  const size_t hop = levels_.size() - 2;  // Not of the first level.
  const bool loads = levels_.size() == 1;
  const bool observes = !loads && hop == plan_->hops.size();
  const int64_t made = loads
                           ? plan_->columns.fields_size() * kLoadedBytesPerValue
                       : observes ? 0
                                  : plan_->hops[hop].output_bytes_per_row;
  // Where the loader renders, its table and the text are there at once.
  const int64_t most =
      context_->limits().max_batch_bytes / (loads && TextBehind(0) ? 2 : 1);
  level.piece =
      observes ? level.rows : RowsPerPiece(level.rows, level.bytes, made, most);
  level.piece = std::min({level.piece, level.most, level.rows - level.next});
  pb::RowRange range;
  range.set_begin(level.next);
  range.set_end(level.next + level.piece);
  level.next = range.end();
  const pb::RowRange* rows = level.piece == level.rows ? nullptr : &range;
  if (loads) return SendLoad(rows);
  if (observes) {
    SendObserve(rows);
  } else {
    SendProcess(plan_->hops[hop], rows, TextBehind(hop + 1));
  }
  return absl::OkStatus();
}

absl::Status BatchFlow::SendLoad(const pb::RowRange* rows) {
  ASSIGN_OR_RETURN(pb::LoadRequest request, input_->Load(result_.split));
  *request.mutable_id() = context_->Batch(result_.split.number());
  *request.mutable_schema() = plan_->columns;
  request.mutable_source_columns()->Add(source_columns_.begin(),
                                        source_columns_.end());
  *request.mutable_row_split() = plan_->row_split;
  request.set_row_set(plan_->rows);
  request.set_target_required(plan_->target_required);
  request.set_read_again(plan_->read_again);
  if (rows != nullptr) *request.mutable_rows() = *rows;
  if (TextBehind(0)) {
    request.set_form(pb::LINES);
    *request.mutable_text() = *plan_->text;
  }
  std::string affinity = input_->Affinity(context_->id(), result_.split.file());
  // The replica that keeps a split is the one to ask again.
  if (affinity.empty() && (plan_->read_again || plan_->read_before))
    affinity = absl::StrCat(context_->id(), "/", result_.split.number());
  context_->Start("loader", stage_method::kLoad, std::move(request),
                  TableBytes(), {}, affinity, Step(&BatchFlow::TakeLoaded));
  return absl::OkStatus();
}

template <typename Request>
void BatchFlow::SendTable(const FlowHop& hop, const char* method,
                          Request request, const pb::RowRange* rows,
                          std::vector<std::string> artifacts,
                          absl::Status (BatchFlow::*take)(StageResult)) {
  *request.mutable_id() = context_->Batch(result_.split.number());
  *request.mutable_params() = hop.params;
  request.set_artifact(hop.artifact);
  if (rows != nullptr) *request.mutable_rows() = *rows;
  if (!hop.artifact.empty()) artifacts.push_back(hop.artifact);
  TableBytes table = levels_.back().table;
  context_->Start(hop.stage, method, std::move(request), std::move(table),
                  std::move(artifacts), "", Step(take));
}

void BatchFlow::SendProcess(const FlowHop& hop, const pb::RowRange* rows,
                            bool text) {
  pb::ProcessRequest request;
  request.set_form(text ? pb::LINES : hop.form);
  if (text) *request.mutable_text() = *plan_->text;
  SendTable(hop, stage_method::kProcess, std::move(request), rows, {},
            &BatchFlow::TakeProcessed);
}

void BatchFlow::SendObserve(const pb::RowRange* rows) {
  const FlowObserve& observe = *plan_->observe;
  pb::ObserveRequest request;
  request.set_purpose(observe.purpose);
  request.set_state(observe.state);
  std::vector<std::string> artifacts;
  if (!observe.state.empty()) artifacts.push_back(observe.state);
  SendTable(observe.hop, stage_method::kObserve, std::move(request), rows,
            std::move(artifacts), &BatchFlow::TakeObserved);
}

// Puts what came back behind the level that it came from.
void BatchFlow::PassOn(TableBytes table, int64_t rows) {
  Level& from = levels_.back();
  if (from.next == from.rows) from.table = TableBytes();  // Through: let go.
  const auto bytes = static_cast<int64_t>(table.size());
  levels_.push_back({std::move(table), bytes, rows});
}

absl::Status BatchFlow::TakeLoaded(StageResult result) {
  ASSIGN_OR_RETURN(pb::LoadResponse response,
                   ParseHeader<pb::LoadResponse>(result));
  ASSIGN_OR_RETURN(const int64_t rejected,
                   AddRejected(response, &result_.rejected));
  const int64_t asked = levels_.back().piece;
  if (response.wanted() != response.rows() + rejected ||
      response.wanted() > asked ||
      (plan_->rows == pb::ALL_ROWS && response.wanted() != asked))
    return Unbalanced("loader", asked, response.rows(), rejected);
  RETURN_IF_ERROR(CheckForm("loader", TextBehind(0), response.form()));
  result_.wanted += response.wanted();
  AddShortRows(response.short_rows(), &result_.short_rows);
  PassOn(std::move(result.table), response.rows());
  return Advance();
}

absl::Status BatchFlow::TakeProcessed(StageResult result) {
  ASSIGN_OR_RETURN(pb::ProcessResponse response,
                   ParseHeader<pb::ProcessResponse>(result));
  const size_t hop = levels_.size() - 2;
  RETURN_IF_ERROR(
      CheckForm(plan_->hops[hop].stage, TextBehind(hop + 1), response.form()));
  RETURN_IF_ERROR(AddRejected(response, &result_.rejected).status());
  PassOn(std::move(result.table), response.rows());
  return Advance();
}

// Asks for the last piece again, in two.
absl::Status BatchFlow::SendLess(const absl::Status& too_large) {
  Level& level = levels_.back();
  if (level.piece <= 1) return WithPrefix(too_large, "one row");
  level.next -= level.piece;
  level.most = (level.piece + 1) / 2;
  return Advance();
}

absl::Status BatchFlow::TakeObserved(StageResult result) {
  ASSIGN_OR_RETURN(pb::ObserveResponse response,
                   ParseHeader<pb::ObserveResponse>(result));
  RETURN_IF_ERROR(AddRejected(response, &result_.rejected).status());
  result_.rows_ok += response.rows();
  ASSIGN_OR_RETURN(std::string partial, result.table.TableString());
  output_.partials.push_back(std::move(partial));
  return Advance();
}

absl::Status BatchFlow::FinishRows() {
  RejectedRows& rejected = result_.rejected;
  if (result_.rows_ok + rejected.size() != result_.wanted)
    return Unbalanced("chain", result_.wanted, result_.rows_ok,
                      rejected.size());
  rejected.Sort();
  for (int64_t i = 0; i < rejected.size(); ++i) {
    const int64_t row = rejected.row(i);
    const bool twice = i > 0 && rejected.row(i - 1) == row;
    if (twice || row < result_.split.first_row() ||
        row >= result_.split.first_row() + result_.split.rows())
      return absl::InternalError(
          absl::StrCat("a stage rejected row ", row,
                       twice ? " twice" : ", which it was not given"));
  }
  if (rejected.empty() || !plan_->read_rejected_text) {
    Finish(absl::OkStatus());
    return absl::OkStatus();
  }
  return ReadRejectedText();
}

absl::Status BatchFlow::ReadRejectedText() {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < result_.rejected.size(); ++i)
    rows.push_back(result_.rejected.row(i));
  ASSIGN_OR_RETURN(pb::ReadRecordsRequest request,
                   input_->ReadRecords(result_.split, rows));
  context_->Start("loader", stage_method::kReadRecords, std::move(request),
                  TableBytes(), {},
                  input_->Affinity(context_->id(), result_.split.file()),
                  Step(&BatchFlow::TakeRejectedText));
  return absl::OkStatus();
}

absl::Status BatchFlow::TakeRejectedText(StageResult result) {
  ASSIGN_OR_RETURN(pb::ReadRecordsResponse response,
                   ParseHeader<pb::ReadRecordsResponse>(result));
  if (response.records_size() != result_.rejected.size())
    return absl::InternalError("the loader returned other records than asked");
  result_.rejected_text.assign(response.records().begin(),
                               response.records().end());
  Finish(absl::OkStatus());
  return absl::OkStatus();
}

}  // namespace troupe
