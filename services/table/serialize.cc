#include "services/table/serialize.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {

absl::Status CheckMessageSize(const google::protobuf::MessageLite& message,
                              size_t max_bytes) {
  const size_t bytes = message.ByteSizeLong();
  if (bytes <= max_bytes) return absl::OkStatus();
  return MessageTooLarge(message.GetTypeName(), static_cast<int64_t>(bytes),
                         static_cast<int64_t>(max_bytes));
}

absl::StatusOr<std::string> Serialize(
    const google::protobuf::MessageLite& message, size_t max_bytes) {
  RETURN_IF_ERROR(CheckMessageSize(message, max_bytes));
  std::string bytes;
  if (message.SerializeToString(&bytes)) return bytes;
  return absl::InternalError(
      absl::StrCat("cannot serialize a ", message.GetTypeName()));
}

absl::StatusOr<std::string> SerializeCanonical(
    const google::protobuf::MessageLite& message, size_t max_bytes) {
  RETURN_IF_ERROR(CheckMessageSize(message, max_bytes));
  std::string bytes;
  bool whole = false;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    whole = message.SerializeToCodedStream(&coded);
  }
  if (whole) return bytes;
  return absl::InternalError(
      absl::StrCat("cannot serialize a ", message.GetTypeName()));
}

std::string SerializeSmall(const google::protobuf::MessageLite& message) {
  return Serialize(message).value();
}

}  // namespace troupe
