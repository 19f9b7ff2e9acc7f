// What a pipeline is where it says nothing, for files and for calls alike.
//
// Thread safety: a function without state.
#pragma once

#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

// Fills in the defaults that more than one stage goes by, so that the spec says
// itself what it does. Those of one step or model are that stage's own.
void CompleteSpec(pb::PipelineSpec& spec);

}  // namespace troupe
