// An inspect job: the loader's view of a file. Types, missing values, the first
// rows; and, where asked for, the whole table as parsed.
#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/coordinator/jobs/job_output.h"
#include "client/coordinator/jobs/job_request.h"
#include "client/coordinator/jobs/job_run.h"
#include "client/coordinator/jobs/preview.h"
#include "client/coordinator/passes/batch_pass.h"
#include "services/base/errors.h"
#include "services/base/nearest.h"
#include "services/base/status_macros.h"
#include "services/table/wire.h"

namespace troupe {
namespace {

constexpr int kDefaultPreviewRows = 10;

void ReportColumns(const InputPlan& plan, pb::Report& report) {
  for (int i = 0; i < plan.schema.fields_size(); ++i) {
    pb::ColumnReport& column = *report.add_columns();
    column.set_name(plan.schema.fields(i).name());
    column.set_type(plan.schema.fields(i).type());
    if (static_cast<size_t>(i) < plan.missing.size())
      column.set_missing(plan.missing[static_cast<size_t>(i)]);
  }
}

// The columns that can be shown.
pb::Schema WithoutNested(const InputPlan& plan) {
  pb::Schema columns;
  for (const pb::Field& field : plan.schema.fields())
    if (!absl::c_linear_search(plan.nested, field.name()))
      *columns.add_fields() = field;
  return columns;
}

// The plan's beginning: as many splits as `rows` good rows may need.
InputPlan Beginning(const InputPlan& plan, int64_t rows) {
  InputPlan beginning = plan;
  size_t count = 0;
  int64_t found = 0;
  while (count < plan.splits.size() && found < rows)
    found += plan.splits[count++].rows();
  beginning.splits.resize(count);
  beginning.rows = found;
  return beginning;
}

absl::Status AddToPreview(const BatchOutput& output, Preview& preview) {
  for (const BatchPiece& piece : output.pieces) {
    if (preview.full()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string serialized, piece.table.TableString());
    ASSIGN_OR_RETURN(const Table table, ParseTable(serialized));
    preview.Add(table);
  }
  return absl::OkStatus();
}

// What planning, which has read every row, says of rows that are none.
absl::Status ReportRows(const InputPlan& plan, JobOutcome& outcome) {
  outcome.rows_read = plan.rows;
  outcome.rows_rejected = plan.rows_rejected;
  if (plan.short_rows.count() > 0)
    *outcome.report.mutable_short_rows() = plan.short_rows;
  for (const pb::RejectedRow& row : plan.first_rejected)
    *outcome.report.add_rejected() = row;
  if (plan.rows == 0 || plan.rows_rejected < plan.rows) return absl::OkStatus();
  constexpr size_t kShown = 5;
  std::string first;
  for (size_t i = 0; i < plan.first_rejected.size() && i < kShown; ++i)
    absl::StrAppend(&first, "\n  ", plan.first_rejected[i].message());
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_ROW",
      absl::StrCat("none of the ", plan.rows, " rows can be read",
                   AskForDelimiter(plan.Columns()), "; the first:", first));
}

// Loads the beginning for the preview; bad rows are shown, not refused.
// `whole`: loads all of it, and tells which rows are bad.
absl::Status LoadPreview(JobContext& context, const JobInput& input,
                         const InputPlan& plan, const FlowPlan& flow,
                         int64_t rows, bool whole, JobOutcome& outcome) {
  pb::Source lenient;
  lenient.set_on_bad_row(pb::REJECT);
  lenient.set_max_rejects(1);
  RejectAccount account(lenient);
  Preview preview(rows);
  const InputPlan beginning = whole ? plan : Beginning(plan, rows);
  PlannedSplits splits(&beginning);
  RETURN_IF_ERROR(RunPass(
      context, input, flow, splits, account,
      {[&](const BatchOutput& output) { return AddToPreview(output, preview); },
       {},
       {}}));
  if (whole) {
    outcome.rows_rejected = account.rows_rejected();
    outcome.report.clear_rejected();
    for (const pb::RejectedRow& row : account.first())
      *outcome.report.add_rejected() = row;
  }
  ASSIGN_OR_RETURN(*outcome.report.mutable_preview(), preview.Finish());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<JobOutcome> RunInspect(JobContext& context, const pb::Job& job,
                                      bool validate_only) {
  ASSIGN_OR_RETURN(const JobInput input,
                   InputOf(job.request(), job.request().spec().source(),
                           *context.environment().uploads));
  if (validate_only) RETURN_IF_ERROR(context.RequireServing({"loader"}));
  ASSIGN_OR_RETURN(
      const InputPlan plan,
      PlanWholeInput(context, input, validate_only ? kSampleRows : 0,
                     job.request().write_output() && !validate_only));
  JobOutcome outcome;
  ReportColumns(plan, outcome.report);
  if (validate_only) return outcome;

  RETURN_IF_ERROR(context.Enter(pb::RUNNING));
  context.BeginPhase("inspect");
  const int64_t preview_rows = job.request().preview_rows() > 0
                                   ? job.request().preview_rows()
                                   : kDefaultPreviewRows;
  FlowPlan flow;
  flow.columns = plan.schema;
  for (const std::string& column : plan.nested)
    outcome.report.add_warnings(absl::StrCat(
        "column \"", column,
        "\" holds objects or arrays, which cannot be read; drop it"));
  if (const std::string doubt = AskForDelimiter(plan.Columns()); !doubt.empty())
    outcome.report.add_warnings(std::string(absl::StripPrefix(doubt, "; ")));
  if (!job.request().write_output()) {
    flow.columns = WithoutNested(plan);
    RETURN_IF_ERROR(ReportRows(plan, outcome));
    // Only so is known which rows have other values than declared types allow.
    const bool whole = !input.source().types().empty();
    RETURN_IF_ERROR(
        LoadPreview(context, input, plan, flow, preview_rows, whole, outcome));
    return outcome;
  }
  RejectAccount account(input.source());
  flow.read_rejected_text = account.rejects();
  ASSIGN_OR_RETURN(const std::unique_ptr<JobOutput> output,
                   JobOutput::Open(&context, OutputOf(job.request(), {}),
                                   plan.schema, account));
  FlowPlan written = flow;
  written.text = output->text();
  PlannedSplits splits(&plan, output->next_batch());
  RETURN_IF_ERROR(
      RunPass(context, input, written, splits, account, output->Sink()));
  // Of text no table can be made: the first rows are loaded again.
  RETURN_IF_ERROR(
      LoadPreview(context, input, plan, flow, preview_rows, false, outcome));
  outcome.Count(account);
  ASSIGN_OR_RETURN(outcome.manifest,
                   output->Publish(account, splits, job, outcome.report));
  outcome.has_manifest = true;
  return outcome;
}

}  // namespace troupe
