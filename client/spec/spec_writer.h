// Writes a pipeline as the YAML file that it came from, short forms included:
// what ParseSpec reads as the same proto.
//
// Thread safety: a function without state.
#pragma once

#include <string>

#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

// `spec` is one that the coordinator has completed.
std::string WriteSpec(const pb::PipelineSpec& spec);

// The part of it that says how the rows are read.
std::string WriteSource(const pb::Source& source);

}  // namespace troupe
