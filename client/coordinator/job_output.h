// How jobs write what their batches brought.
//
// Thread safety: everything belongs to the job's thread.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/batch_flow.h"
#include "client/coordinator/job_context.h"
#include "client/coordinator/output_writer.h"
#include "client/coordinator/reject_account.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// A writer for the job's output directory.
absl::StatusOr<std::unique_ptr<OutputWriter>> OpenOutput(
    const JobContext& context, const pb::OutputSpec& output);

// Appends a batch's rows and rejected rows, and lets its tables go.
absl::Status WriteBatch(BatchResult& batch, OutputWriter& writer);

// Publishes, unless the job was told to stop: the last moment for it. `schema`
// gives the header where there were no rows.
absl::StatusOr<pb::Manifest> PublishOutput(JobContext& context,
                                           OutputWriter& writer,
                                           const pb::Schema& schema,
                                           const RejectAccount& account,
                                           const pb::Job& job);

}  // namespace troupe
