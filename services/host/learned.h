// What a Fit learned: the artifact, and what there is to say about it.
//
// Thread safety: as for a struct.
#pragma once

#include <string>

#include "proto/pb.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

struct Learned {
  std::string artifact;
  // Who carries it fills in `id`, `artifact_bytes` and `artifact_sha256`.
  pb::FitResult result;
};

}  // namespace troupe
