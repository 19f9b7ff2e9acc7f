// Bytes that gRPC sends as they lie, without a copy.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <string>

#include "grpcpp/support/slice.h"

namespace troupe {

// A slice that owns `bytes`.
grpc::Slice SliceOf(std::string bytes);

// What stands before the content of a proto's field of bytes: its key and the
// content's length.
std::string BytesKey(uint32_t field, uint64_t size);

}  // namespace troupe
