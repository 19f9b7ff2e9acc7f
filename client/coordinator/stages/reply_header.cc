#include "client/coordinator/stages/reply_header.h"

#include "absl/functional/function_ref.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace troupe {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Load, Process and Observe agree on: id = 1, rows = 2, credit = 4,
// rejected = 9. Merge has
// the id only. tests/unit/coordinator/dispatcher_test.cc holds them to it.
constexpr int kId = 1;
constexpr int kRows = 2;
constexpr int kCredit = 4;
constexpr int kRejected = 9;

bool HasId(absl::string_view method) {
  return IsBatchMethod(method) || method == "/troupe.v1.Stage/Merge";
}

// Calls `on_field(number, wire type, stream)` for each field; it consumes the
// field or returns false to have it skipped. Returns whether all was well
// formed.
bool ReadFields(const std::string& bytes,
                absl::FunctionRef<bool(int, int, CodedInputStream&)> on_field) {
  CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()),
                          static_cast<int>(bytes.size()));
  while (true) {
    const uint32_t tag = stream.ReadTag();
    if (tag == 0) return stream.ConsumedEntireMessage();
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    const int type = WireFormatLite::GetTagWireType(tag);
    if (!on_field(number, type, stream) &&
        !WireFormatLite::SkipField(&stream, tag))
      return false;
  }
}

// Reads a field of bytes; nothing when it is malformed.
std::optional<std::string> ReadBytes(CodedInputStream& stream) {
  uint32_t size = 0;
  std::string bytes;
  if (!stream.ReadVarint32(&size) ||
      !stream.ReadString(&bytes, static_cast<int>(size)))
    return std::nullopt;
  return bytes;
}

}  // namespace

bool IsBatchMethod(absl::string_view method) {
  return method == "/troupe.v1.Stage/Process" ||
         method == "/troupe.v1.Stage/Observe" ||
         method == "/troupe.v1.Loader/Load";
}

std::optional<std::string> IdOf(absl::string_view method,
                                const std::string& header) {
  if (!HasId(method)) return std::nullopt;
  std::optional<std::string> id;
  const bool well_formed =
      ReadFields(header, [&](int number, int type, CodedInputStream& stream) {
        if (number != kId || type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED)
          return false;
        id = ReadBytes(stream);
        return id.has_value();
      });
  return well_formed ? id : std::nullopt;
}

bool SameId(const std::string& a, const std::string& b) {
  if (a == b) return true;
  pb::BatchId one;
  pb::BatchId other;
  return one.ParseFromString(a) && other.ParseFromString(b) &&
         one.job() == other.job() && one.number() == other.number() &&
         one.attempt() == other.attempt() && one.epoch() == other.epoch();
}

ReplyCounts CountsOf(absl::string_view method, const std::string& header) {
  ReplyCounts counts;
  if (!IsBatchMethod(method)) return counts;
  counts.credit = 0;  // A zero is not on the wire.
  ReadFields(header, [&](int number, int type, CodedInputStream& stream) {
    uint64_t value = 0;
    if ((number != kRows && number != kCredit) ||
        type != WireFormatLite::WIRETYPE_VARINT || !stream.ReadVarint64(&value))
      return false;
    (number == kRows ? counts.rows : *counts.credit) =
        static_cast<int64_t>(value);
    return true;
  });
  return counts;
}

bool RejectsCrashes(absl::string_view method, const std::string& header) {
  if (!IsBatchMethod(method)) return false;
  bool crashes = false;
  ReadFields(header, [&](int number, int type, CodedInputStream& stream) {
    if (number != kRejected ||
        type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED)
      return false;
    pb::RejectedRows rows;
    const std::optional<std::string> bytes = ReadBytes(stream);
    if (!bytes.has_value() || !rows.ParseFromString(*bytes)) return false;
    for (const pb::RejectCause& cause : rows.causes())
      crashes |=
          cause.reason() == "STAGE_CRASH" || cause.reason() == "STAGE_TIMEOUT";
    return true;
  });
  return crashes;
}

}  // namespace troupe
