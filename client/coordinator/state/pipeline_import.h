// Takes a version that another coordinator fitted.
//
// Thread safety: any thread. Reads whole artifacts into memory, one at a time.
#pragma once

#include "absl/status/statusor.h"
#include "client/coordinator/state/artifact_store.h"
#include "client/coordinator/state/pipeline_registry.h"
#include "client/coordinator/state/upload_store.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// As Coordinator.ImportPipeline. What an artifact is called is computed from
// its bytes, so a version never names others than those it was fitted with.
absl::StatusOr<pb::Pipeline> ImportPipeline(
    const pb::ImportPipelineRequest& request, UploadStore& uploads,
    const ArtifactStore& artifacts, PipelineRegistry& pipelines);

}  // namespace troupe
