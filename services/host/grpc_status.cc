#include "services/host/grpc_status.h"

#include <string>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/base/errors.h"
#include "services/table/serialize.h"

namespace troupe {
namespace {

constexpr char kDomain[] = "troupe";
// The message travels twice: percent-encoded (up to three bytes for one) and in
// base64 (four for three). 1,000 + 1,000 + 600 bytes of text make 6.5 KB at
// worst.
constexpr size_t kMaxMessageBytes = 1000;
constexpr size_t kMaxMetadataBytes = 1000;
constexpr size_t kMaxValueBytes = 256;
constexpr size_t kMaxViolationBytes = 600;

// Length of the well-formed UTF-8 character at the start of `text`; 0: none.
size_t CharacterBytes(absl::string_view text) {
  const auto byte = [text](size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  size_t bytes = 0;
  if (first >= 0xc2 && first <= 0xdf) bytes = 2;
  if (first >= 0xe0 && first <= 0xef) bytes = 3;
  if (first >= 0xf0 && first <= 0xf4) bytes = 4;
  if (bytes == 0 || text.size() < bytes) return 0;
  for (size_t i = 1; i < bytes; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const unsigned char second = byte(1);
  const bool overlong =
      (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f;
  const bool too_large = first == 0xf4 && second > 0x8f;
  return overlong || surrogate || too_large ? 0 : bytes;
}

// `text` as valid UTF-8 of at most `max_bytes`.
std::string Clean(absl::string_view text, size_t max_bytes) {
  std::string clean;
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    if (clean.size() + std::max<size_t>(bytes, 1) > max_bytes) break;
    if (bytes == 0)
      clean += '?';
    else
      clean.append(text.data(), bytes);
    text.remove_prefix(std::max<size_t>(bytes, 1));
  }
  return clean;
}

google::rpc::ErrorInfo MakeErrorInfo(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  info.set_domain(kDomain);
  info.set_reason(Clean(ReasonOf(status), 64));
  size_t room = kMaxMetadataBytes;
  for (const auto& [key, value] : MetadataOf(status)) {
    std::string short_key = Clean(key, 64);
    std::string short_value = Clean(value, kMaxValueBytes);
    const size_t bytes = short_key.size() + short_value.size() + 8;
    if (bytes > room) break;
    room -= bytes;
    (*info.mutable_metadata())[short_key] = std::move(short_value);
  }
  return info;
}

// The fields that the lines of the message are about, where they are about
// fields (Together in services/base/errors.h).
google::rpc::BadRequest MakeBadRequest(const absl::Status& status) {
  google::rpc::BadRequest request;
  const ErrorMetadata metadata = MetadataOf(status);
  const std::string message(status.message());
  size_t room = kMaxViolationBytes;
  size_t i = 0;
  for (const absl::string_view line : absl::StrSplit(message, '\n')) {
    const std::string field = MetadataAt(metadata, "field", i++);
    if (field.empty()) continue;
    google::rpc::BadRequest::FieldViolation violation;
    violation.set_field(Clean(field, kMaxValueBytes));
    violation.set_description(Clean(line, kMaxValueBytes));
    const size_t bytes =
        violation.field().size() + violation.description().size() + 8;
    if (bytes > room) break;
    room -= bytes;
    *request.add_field_violations() = std::move(violation);
  }
  return request;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = Clean(status.message(), kMaxMessageBytes);
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  if (!ReasonOf(status).empty())
    details.add_details()->PackFrom(MakeErrorInfo(status));
  const google::rpc::BadRequest request = MakeBadRequest(status);
  if (request.field_violations_size() > 0)
    details.add_details()->PackFrom(request);
  if (const auto delay = RetryDelayOf(status); delay.has_value()) {
    google::rpc::RetryInfo retry;
    const timespec time = absl::ToTimespec(*delay);
    retry.mutable_retry_delay()->set_seconds(time.tv_sec);
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(time.tv_nsec));
    details.add_details()->PackFrom(retry);
  }
  // A status without its details is better than none.
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      Serialize(details).value_or(""));
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  absl::Status result(code, status.error_message());
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return result;
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  for (const google::protobuf::Any& detail : details.details()) {
    if (detail.UnpackTo(&info) && info.domain() == kDomain)
      result = MakeError(code, info.reason(), status.error_message(),
                         {info.metadata().begin(), info.metadata().end()});
  }
  for (const google::protobuf::Any& detail : details.details()) {
    if (!detail.UnpackTo(&retry)) continue;
    const google::protobuf::Duration& delay = retry.retry_delay();
    result = WithRetryDelay(result, absl::Seconds(delay.seconds()) +
                                        absl::Nanoseconds(delay.nanos()));
  }
  return result;
}

}  // namespace troupe
