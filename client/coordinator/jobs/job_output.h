// A JobOutput writes what a job's batches brought, and commits it: first the
// files, synced, then the journal. Opened again after a restart, it goes on
// behind the last committed batch.
//
// Thread safety: everything belongs to the job's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/output/output_writer.h"
#include "client/coordinator/passes/batch_flow.h"
#include "client/coordinator/passes/batch_pass.h"
#include "client/coordinator/passes/job_context.h"
#include "client/coordinator/passes/reject_account.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// The kind of the journal's event that says that a job went on behind what an
// earlier run had committed, and believed it.
inline constexpr char kResumedEvent[] = "RESUMED";

class JobOutput {
 public:
  // Opens the job's output for rows of `schema`. What earlier runs committed
  // is entered into `account`.
  static absl::StatusOr<std::unique_ptr<JobOutput>> Open(
      JobContext* context, const pb::OutputSpec& output,
      const pb::Schema& schema, RejectAccount& account);

  // The first batch that is not in the output yet.
  int64_t next_batch() const { return next_batch_; }

  // How it takes rows: the flow's last hop renders them (FlowPlan::text).
  const pb::TextForm& text() const { return text_; }

  // For RunPass.
  BatchSink Sink();

  // Publishes, unless the job was told to stop: the last moment for it. What
  // the job will report is journaled before, so that a restart can complete it.
  absl::StatusOr<pb::Manifest> Publish(const RejectAccount& account,
                                       const SplitSource& splits,
                                       const pb::Job& job,
                                       const pb::Report& report);

 private:
  JobOutput(JobContext* context, std::unique_ptr<OutputWriter> writer)
      : context_(context), writer_(std::move(writer)) {}

  absl::Status Restore(const std::vector<pb::JournalBatch>& committed,
                       size_t good, RejectAccount& account);
  absl::Status Append(BatchOutput output);
  absl::Status End(const BatchResult& batch);
  absl::Status Commit();

  JobContext* const context_;
  const std::unique_ptr<OutputWriter> writer_;
  pb::TextForm text_;
  int64_t next_batch_ = 0;
  std::vector<pb::JournalBatch> written_;  // Not committed yet.
};

// Appends a report of rejected and read rows for a job whose output was
// published before the coordinator could say so; nullopt where none was.
struct JobOutcome;
absl::StatusOr<std::optional<JobOutcome>> PublishedBefore(JobContext& context,
                                                          const pb::Job& job);

}  // namespace troupe
