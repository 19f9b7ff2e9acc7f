// Turns a CreateJobRequest into a job: checks what can be checked without the
// stages, and pins what the job depends on.
//
// Thread safety: functions; any thread.
#pragma once

#include "absl/status/statusor.h"
#include "client/coordinator/passes/job_input.h"
#include "client/coordinator/state/pipeline_registry.h"
#include "client/coordinator/state/upload_store.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// Reads `spec_yaml`, where that was sent, into `spec`, and fills in the spec's
// defaults: by the request alone, so that a repeated one stays the same.
// BAD_SPEC.
absl::Status CompleteRequest(pb::CreateJobRequest& request);

// An error about `request.spec` at its place in `spec_yaml`, where that was
// sent.
absl::Status InSentYaml(const pb::CreateJobRequest& request,
                        const absl::Status& status);

// Returns the job, QUEUED, with a new id and with the pipeline's version
// pinned. BAD_SPEC, PIPELINE_NOT_FOUND or UPLOAD_NOT_FOUND otherwise.
absl::StatusOr<pb::Job> MakeJob(const pb::CreateJobRequest& request,
                                PipelineRegistry& pipelines,
                                UploadStore& uploads);

// The source that a job reads. `stored` is its pipeline's, where it has one.
absl::StatusOr<JobInput> InputOf(const pb::CreateJobRequest& request,
                                 const pb::Source& stored,
                                 UploadStore& uploads);

// How a job writes: as it says, otherwise as the pipeline says, otherwise CSV.
pb::OutputSpec OutputOf(const pb::CreateJobRequest& request,
                        const pb::OutputSpec& stored);

}  // namespace troupe
