// Messages to bytes, or an error. Protobuf answers a message of 2 GiB and more
// with an empty string, which a reader takes for a message without content: so
// nobody else in services/ and client/ serializes (tests/lint/serialize.py).
//
// Thread safety: functions without state.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message_lite.h"

namespace troupe {

// Protobuf and gRPC count bytes in int.
inline constexpr size_t kMaxSerializedBytes = std::numeric_limits<int>::max();

// RESOURCE_EXHAUSTED (MESSAGE_TOO_LARGE) when `message` takes more than
// `max_bytes` bytes.
absl::Status CheckMessageSize(const google::protobuf::MessageLite& message,
                              size_t max_bytes = kMaxSerializedBytes);

// The bytes of `message`; the error of CheckMessageSize.
absl::StatusOr<std::string> Serialize(
    const google::protobuf::MessageLite& message,
    size_t max_bytes = kMaxSerializedBytes);

// Likewise, and the same bytes for the same content, always: for digests, keys
// and comparisons.
absl::StatusOr<std::string> SerializeCanonical(
    const google::protobuf::MessageLite& message,
    size_t max_bytes = kMaxSerializedBytes);

// For a message whose size no input decides: a piece of an artifact, a health
// check.
std::string SerializeSmall(const google::protobuf::MessageLite& message);

}  // namespace troupe
