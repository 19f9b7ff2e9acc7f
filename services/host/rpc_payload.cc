#include "services/host/rpc_payload.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/utility/utility.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/owned_slice.h"

namespace troupe {
namespace {

constexpr uint32_t kTableField = 1000;
constexpr size_t kMaxKeyBytes = 16;

}  // namespace

absl::StatusOr<CallStreams*> StreamsOf(Message& message) {
  auto* const payload = dynamic_cast<StreamPayload*>(message.payload.get());
  if (payload == nullptr) return BadMessage("the call is no stream");
  return &payload->streams();
}

absl::StatusOr<std::shared_ptr<Watch>> WatchOf(const Message& message) {
  auto* const payload = dynamic_cast<WatchPayload*>(message.payload.get());
  if (payload == nullptr) return BadMessage("the call watches nothing");
  return payload->watch();
}

absl::Status ParseBytes(grpc::ByteBuffer& bytes,
                        google::protobuf::MessageLite& message) {
  // gRPC hands over an invalid buffer where the caller sent none.
  if (!bytes.Valid()) return BadMessage("the call carries no message");
  grpc::ProtoBufferReader reader(&bytes);
  const bool parsed =
      reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
  bytes.Clear();
  if (parsed) return absl::OkStatus();
  return BadMessage(absl::StrCat("the message is no ", message.GetTypeName()));
}

absl::StatusOr<grpc::ByteBuffer> SerializeBytes(
    const google::protobuf::MessageLite& message, size_t max_bytes) {
  absl::StatusOr<grpc::ByteBuffer> bytes(absl::in_place);
  bool own = false;
  RETURN_IF_ERROR(CheckMessageSize(message, max_bytes));
  if (grpc::GenericSerialize<grpc::ProtoBufferWriter,
                             google::protobuf::MessageLite>(message, &*bytes,
                                                            &own)
          .ok())
    return bytes;
  return absl::InternalError(
      absl::StrCat("cannot serialize a ", message.GetTypeName()));
}

absl::Status ParsePayload(Message& message,
                          google::protobuf::MessageLite& request) {
  auto* const payload = dynamic_cast<RpcPayload*>(message.payload.get());
  if (payload == nullptr) return BadMessage("the call carries no message");
  return ParseBytes(payload->bytes(), request);
}

absl::StatusOr<Reply> MakeReply(const google::protobuf::MessageLite& response,
                                int64_t rows) {
  absl::StatusOr<grpc::ByteBuffer> bytes = SerializeBytes(response);
  RETURN_IF_ERROR(bytes.status());
  Reply reply;
  reply.payload = std::make_unique<RpcPayload>(*std::move(bytes));
  reply.rows = rows;
  return reply;
}

absl::StatusOr<Reply> MakeReply(const google::protobuf::MessageLite& response,
                                std::string table, int64_t rows) {
  if (table.empty()) return MakeReply(response, rows);
  if (table.size() > kMaxSerializedBytes - kMaxKeyBytes)
    return MessageTooLarge(response.GetTypeName(),
                           static_cast<int64_t>(table.size()),
                           static_cast<int64_t>(kMaxSerializedBytes));
  ASSIGN_OR_RETURN(
      std::string front,
      Serialize(response, kMaxSerializedBytes - kMaxKeyBytes - table.size()));
  front += BytesKey(kTableField, table.size());
  const grpc::Slice slices[] = {SliceOf(std::move(front)),
                                SliceOf(std::move(table))};
  Reply reply;
  reply.payload =
      std::make_unique<RpcPayload>(grpc::ByteBuffer(slices, std::size(slices)));
  reply.rows = rows;
  return reply;
}

}  // namespace troupe
