#include "client/coordinator/job_output.h"

#include <utility>

#include "client/coordinator/job_run.h"
#include "client/coordinator/job_store.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"
#include "services/table/wire.h"

namespace troupe {

absl::StatusOr<std::unique_ptr<OutputWriter>> OpenOutput(
    const JobContext& context, const pb::OutputSpec& output) {
  OutputOptions options;
  options.directory = OutputDirectory(context.environment(), context.id());
  options.format = output.format();
  options.max_part_bytes = context.limits().max_part_bytes;
  return OutputWriter::Create(std::move(options));
}

absl::Status WriteBatch(BatchResult& batch, OutputWriter& writer) {
  for (TableBytes& bytes : batch.tables) {
    ASSIGN_OR_RETURN(const std::string serialized, bytes.TableString());
    ASSIGN_OR_RETURN(const Table table, ParseTable(serialized));
    bytes = TableBytes();
    RETURN_IF_ERROR(writer.Append(table));
  }
  std::vector<RejectedRecord> records;
  for (size_t i = 0; i < batch.rejected_text.size(); ++i)
    records.push_back({batch.rejected[i], batch.rejected_text[i]});
  return writer.Reject(records);
}

absl::StatusOr<pb::Manifest> PublishOutput(JobContext& context,
                                           OutputWriter& writer,
                                           const pb::Schema& schema,
                                           const RejectAccount& account,
                                           const pb::Job& job) {
  ASSIGN_OR_RETURN(const Schema header, FromProto(schema));
  RETURN_IF_ERROR(writer.FinishHeader(header));
  RETURN_IF_ERROR(context.Check());
  pb::Manifest manifest;
  manifest.set_rows_read(account.rows_read());
  manifest.set_rows_rejected(account.rows_rejected());
  manifest.set_pipeline(job.pipeline());
  manifest.set_spec_sha256(Sha256Hex(CanonicalBytes(job.request())));
  return writer.Publish(std::move(manifest));
}

}  // namespace troupe
