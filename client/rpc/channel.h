// How our processes reach each other.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "grpcpp/channel.h"

namespace troupe {

// Messages larger than this are refused on both sides.
inline constexpr int kMaxMessageBytes = 256 << 20;

// Artifacts and uploads travel in pieces of this size: a message of one stays
// below the least --max_message_bytes, 1 MiB.
inline constexpr size_t kChunkBytes = (size_t{1} << 20) - 4096;

// Opens a channel to one process; never waits. A connection of its own, noticed
// within 30 s when the other end is gone, tried again within 2 s, without
// gRPC's retries (ours are the dispatcher's).
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target);

}  // namespace troupe
