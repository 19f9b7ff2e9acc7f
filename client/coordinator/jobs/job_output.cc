#include "client/coordinator/jobs/job_output.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/jobs/job_run.h"
#include "client/coordinator/state/job_store.h"
#include "client/coordinator/state/journal.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"
#include "services/table/serialize.h"

namespace troupe {
namespace {

// The step whose content is what a published job reports.
constexpr char kPublishing[] = "publish";

absl::StatusOr<std::string> SpecDigest(const pb::Job& job) {
  ASSIGN_OR_RETURN(const std::string bytes, SerializeCanonical(job.request()));
  return Sha256Hex(bytes);
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobOutput>> JobOutput::Open(
    JobContext* context, const pb::OutputSpec& output, const pb::Schema& schema,
    RejectAccount& account) {
  OutputOptions options;
  options.directory = OutputDirectory(context->environment(), context->id());
  options.mode = context->environment().output_mode;
  options.format = output.format();
  options.max_part_bytes = context->limits().max_part_bytes;
  options.may_go_on = [context] { return context->Check(); };
  ASSIGN_OR_RETURN(options.schema, FromProto(schema));
  Journal& journal = *context->environment().journal;
  ASSIGN_OR_RETURN(const std::vector<pb::JournalBatch> committed,
                   journal.Committed(context->id()));
  ASSIGN_OR_RETURN(OutputWriter::Opened opened,
                   OutputWriter::Open(options, committed));
  RETURN_IF_ERROR(
      journal.Uncommit(context->id(), static_cast<int64_t>(opened.good)));
  std::unique_ptr<JobOutput> result(
      new JobOutput(context, std::move(opened.writer)));
  *result->text_.mutable_output() = output;
  for (const pb::Field& field : schema.fields())
    result->text_.add_columns(field.name());
  result->text_.set_max_bytes(context->limits().max_batch_bytes);
  RETURN_IF_ERROR(result->Restore(committed, opened.good, account));
  return result;
}

absl::Status JobOutput::Restore(const std::vector<pb::JournalBatch>& committed,
                                size_t good, RejectAccount& account) {
  int64_t rows = 0;
  int64_t rejected = 0;
  int64_t bytes_done = 0;
  for (size_t i = 0; i < good; ++i) {
    rows += committed[i].rows_read();
    rejected += committed[i].rows_rejected();
    bytes_done += committed[i].split().bytes();
    account.AddShort(committed[i].short_rows());
  }
  next_batch_ = static_cast<int64_t>(good);
  ASSIGN_OR_RETURN(std::vector<pb::RejectedRow> first,
                   writer_->FirstRejected(RejectAccount::kShown));
  account.Restore(rows, rejected, std::move(first));
  context_->meter().Resume(rows, rejected, bytes_done,
                           context_->environment().clock->Monotonic());
  if (committed.empty()) return absl::OkStatus();
  return context_->AddEvent(
      kResumedEvent,
      absl::StrCat("goes on behind batch ", next_batch_ - 1, " of ",
                   committed.size(), " that were committed"));
}

BatchSink JobOutput::Sink() {
  return {[this](BatchOutput output) { return Append(std::move(output)); },
          [this](const BatchResult& batch) { return End(batch); },
          [this] { return Commit(); }};
}

absl::Status JobOutput::Append(BatchOutput output) {
  for (BatchPiece& piece : output.pieces) {
    RETURN_IF_ERROR(writer_->Append(piece.table.Pieces(), piece.rows));
    piece.table = TableBytes();
  }
  return absl::OkStatus();
}

absl::Status JobOutput::End(const BatchResult& batch) {
  // Without text, nobody wants a file of them.
  if (!batch.rejected_text.empty())
    RETURN_IF_ERROR(writer_->Reject(batch.rejected, batch.rejected_text));
  ASSIGN_OR_RETURN(pb::JournalBatch written, writer_->EndBatch());
  written.mutable_split()->set_number(batch.split.number());
  written.set_rows_read(batch.wanted);
  written.set_rows_rejected(batch.rejected.size());
  if (batch.short_rows.count() > 0)
    *written.mutable_short_rows() = batch.short_rows;
  written_.push_back(std::move(written));
  return absl::OkStatus();
}

absl::Status JobOutput::Commit() {
  if (written_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(writer_->Sync());
  RETURN_IF_ERROR(context_->environment().journal->Commit(
      context_->id(), std::exchange(written_, {})));
  return absl::OkStatus();
}

absl::StatusOr<pb::Manifest> JobOutput::Publish(const RejectAccount& account,
                                                const SplitSource& splits,
                                                const pb::Job& job,
                                                const pb::Report& report) {
  RETURN_IF_ERROR(context_->Check());
  pb::FinishedStep publishing;
  *publishing.mutable_report() = report;
  RETURN_IF_ERROR(context_->environment().journal->FinishStep(
      context_->id(), kPublishing, publishing));
  pb::Manifest manifest;
  manifest.set_rows_read(account.rows_read());
  manifest.set_rows_rejected(account.rows_rejected());
  if (account.short_rows().count() > 0)
    *manifest.mutable_short_rows() = account.short_rows();
  manifest.set_pipeline(job.pipeline());
  ASSIGN_OR_RETURN(*manifest.mutable_spec_sha256(), SpecDigest(job));
  for (const pb::InputFile& file : splits.inputs())
    *manifest.add_inputs() = file;
  return writer_->Publish(std::move(manifest));
}

absl::StatusOr<std::optional<JobOutcome>> PublishedBefore(JobContext& context,
                                                          const pb::Job& job) {
  const JobEnvironment& environment = context.environment();
  ASSIGN_OR_RETURN(const std::optional<pb::FinishedStep> publishing,
                   environment.journal->Step(context.id(), kPublishing));
  if (!publishing.has_value()) return std::nullopt;
  absl::StatusOr<pb::Manifest> manifest =
      ReadPublished(OutputDirectory(environment, context.id()),
                    [&context] { return context.Check(); });
  if (absl::IsNotFound(manifest.status())) return std::nullopt;
  RETURN_IF_ERROR(manifest.status());
  ASSIGN_OR_RETURN(const std::string digest, SpecDigest(job));
  if (manifest->spec_sha256() != digest)
    return absl::DataLossError("the output of another job is in the way");
  JobOutcome outcome;
  outcome.report = publishing->report();
  outcome.rows_read = manifest->rows_read();
  outcome.rows_rejected = manifest->rows_rejected();
  outcome.has_manifest = true;
  outcome.manifest = *std::move(manifest);
  return outcome;
}

}  // namespace troupe
