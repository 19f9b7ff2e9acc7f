// What messages and replies carry in a process that is reached over the
// network: bytes as gRPC received them, parsed only on the actor's thread.
//
// Thread safety: none, except where said.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "services/actor/actor.h"
#include "services/host/watch.h"
#include "services/table/serialize.h"

namespace troupe {

// One message of a unary call.
class RpcPayload : public Payload {
 public:
  // Swaps, because moving a ByteBuffer copies it.
  explicit RpcPayload(grpc::ByteBuffer&& bytes) { bytes_.Swap(&bytes); }
  grpc::ByteBuffer& bytes() { return bytes_; }

 private:
  grpc::ByteBuffer bytes_;
};

// The messages of a stream, as they arrive. From one thread.
class MessageStream {
 public:
  virtual ~MessageStream() = default;

  // Waits for the next message. Returns nullopt after the last one, or an error
  // when the caller left or was silent too long, or the call was answered by
  // somebody else.
  virtual absl::StatusOr<std::optional<grpc::ByteBuffer>> Next() = 0;
};

// The two streams of a call: its messages, and those of its answer.
class CallStreams : public MessageStream {
 public:
  // Sends one message of the answer, not the last, which is the handler's
  // reply. Waits until gRPC has taken it, so that one is under way at most.
  // Errors as of Next.
  virtual absl::Status Write(const grpc::ByteBuffer& message) = 0;

  // Sends one if nothing is under way; otherwise drops it. Never blocks.
  virtual void Offer(const grpc::ByteBuffer& message) = 0;
};

class StreamPayload : public Payload {
 public:
  explicit StreamPayload(std::shared_ptr<CallStreams> streams)
      : streams_(std::move(streams)) {}
  CallStreams& streams() { return *streams_; }

 private:
  const std::shared_ptr<CallStreams> streams_;
};

// A call that watches: what it asks for, and the way to tell it. The reply to
// such a message is not sent, only its error is.
class WatchPayload : public RpcPayload {
 public:
  WatchPayload(grpc::ByteBuffer&& request, std::shared_ptr<Watch> watch)
      : RpcPayload(std::move(request)), watch_(std::move(watch)) {}
  const std::shared_ptr<Watch>& watch() const { return watch_; }

 private:
  const std::shared_ptr<Watch> watch_;
};

// That of a watching call. BAD_MESSAGE where `message` is none.
absl::StatusOr<std::shared_ptr<Watch>> WatchOf(const Message& message);

// Those of a streaming call. BAD_MESSAGE where `message` is none.
absl::StatusOr<CallStreams*> StreamsOf(Message& message);

// Parses `bytes`, which are consumed. INVALID_ARGUMENT (BAD_MESSAGE) when they
// are no such message.
absl::Status ParseBytes(grpc::ByteBuffer& bytes,
                        google::protobuf::MessageLite& message);

// RESOURCE_EXHAUSTED (MESSAGE_TOO_LARGE) when `message` has more than
// `max_bytes` bytes.
absl::StatusOr<grpc::ByteBuffer> SerializeBytes(
    const google::protobuf::MessageLite& message,
    size_t max_bytes = kMaxSerializedBytes);

// Parses the payload of a unary call's message.
absl::Status ParsePayload(Message& message,
                          google::protobuf::MessageLite& request);

// A reply that carries `response`; `rows` is for the stats.
absl::StatusOr<Reply> MakeReply(const google::protobuf::MessageLite& response,
                                int64_t rows = 0);

// The same where `table` is the content of field 1000, which `response` does
// not hold and which comes last: it is not copied.
absl::StatusOr<Reply> MakeReply(const google::protobuf::MessageLite& response,
                                std::string table, int64_t rows);

}  // namespace troupe
