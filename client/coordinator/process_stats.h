// What the coordinator tells of its own process.
//
// Thread safety: a function; any thread.
#pragma once

#include "proto/pb.h"
#include "troupe/v1/actor.pb.h"

namespace troupe {

// Name, state, uptime and memory.
pb::ActorStats OwnStats();

}  // namespace troupe
