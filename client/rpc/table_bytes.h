// TableBytes is a serialized table (or its rows as text, or a partial) on its
// way through the coordinator: the field 1000 at the end of a message, as gRPC
// received it. It is handed on without a copy and without being parsed; whoever
// uses it validates it (services/table/wire.h).
//
// Copies share the bytes and are cheap.
//
// Thread safety: as for a struct: const use from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace troupe {

class TableBytes {
 public:
  // No table: the field is absent from the message.
  TableBytes() = default;

  // Takes the bytes of a serialized Table (or other content of field 1000).
  static TableBytes FromTable(std::string serialized_table);

  // Bytes of the content, without its key and length.
  int64_t size() const { return size_; }
  bool empty() const { return slices_ == nullptr; }

  // The content in one piece: a copy. For the ends of the way (previews,
  // merges), not for the hops between.
  absl::StatusOr<std::string> TableString() const;

  // The content in pieces, as it lies in memory, while this or a copy lives.
  std::vector<absl::string_view> Pieces() const;

 private:
  friend struct SplitMessage;
  friend absl::StatusOr<struct SplitMessage> Split(
      const grpc::ByteBuffer& message);
  friend grpc::ByteBuffer Join(std::string header, const TableBytes& table);

  // Key, length, content; null where there is no table. Shared, because a
  // slice is dear to move.
  std::shared_ptr<const absl::InlinedVector<grpc::Slice, 2>> slices_;
  int64_t size_ = 0;  // Of the content.
};

// A message in two: what the coordinator reads, and what it hands on.
struct SplitMessage {
  std::string header;  // All fields before field 1000, serialized.
  TableBytes table;
};

// Divides a received message. INVALID_ARGUMENT (BAD_MESSAGE) unless it is a
// sequence of well-formed fields of which field 1000, where present, is a
// length-delimited one, the only one, and the last. Never reads out of bounds,
// whatever the bytes.
absl::StatusOr<SplitMessage> Split(const grpc::ByteBuffer& message);

// The message with these header fields and this table. The table's bytes are
// shared, not copied, and a long header is taken as it is.
grpc::ByteBuffer Join(std::string header, const TableBytes& table);

}  // namespace troupe
