// The gRPC settings of every server of ours.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <cstdint>

#include "grpcpp/server_builder.h"

namespace troupe {

// Bounds messages, connections and memory, and detects dead peers.
void HardenServer(grpc::ServerBuilder& builder, int64_t max_message_bytes);

// Half of what this process may use: of its cgroup, or of the machine.
int64_t MemoryBudgetBytes();

}  // namespace troupe
