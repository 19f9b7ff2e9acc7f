// Receives one artifact: checks its digest, and puts what the stage makes of it
// into the stage's cache.
//
// Thread safety: called on the artifacts lane.
#pragma once

#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/host/rpc_payload.h"
#include "services/host/stage.h"
#include "troupe/v1/artifact.pb.h"

namespace troupe {

// INVALID_ARGUMENT (ARTIFACT_CORRUPT), RESOURCE_EXHAUSTED (ARTIFACT_TOO_LARGE),
// or the stream's or the stage's error.
absl::StatusOr<pb::PutArtifactResponse> PutArtifact(Stage& stage,
                                                    MessageStream& chunks);

}  // namespace troupe
