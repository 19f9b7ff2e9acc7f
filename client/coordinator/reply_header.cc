#include "client/coordinator/reply_header.h"

#include <functional>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace troupe {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Load, Process and Observe agree on: id = 1, rows = 2, credit = 4. Merge has
// the id only. tests/unit/coordinator/dispatcher_test.cc holds them to it.
constexpr int kId = 1;
constexpr int kRows = 2;
constexpr int kCredit = 4;

bool IsBatchMethod(absl::string_view method) {
  return method == "/troupe.v1.Stage/Process" ||
         method == "/troupe.v1.Stage/Observe" ||
         method == "/troupe.v1.Loader/Load";
}

bool HasId(absl::string_view method) {
  return IsBatchMethod(method) || method == "/troupe.v1.Stage/Merge";
}

// Calls `on_field(number, wire type, stream)` for each field; it consumes the
// field or returns false to have it skipped. Returns whether all was well
// formed.
bool ReadFields(
    const std::string& bytes,
    const std::function<bool(int, int, CodedInputStream&)>& on_field) {
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

}  // namespace

std::optional<pb::BatchId> IdOf(absl::string_view method,
                                const std::string& header) {
  if (!HasId(method)) return std::nullopt;
  std::optional<pb::BatchId> id;
  bool parsed = true;
  ReadFields(header, [&](int number, int type, CodedInputStream& stream) {
    if (number != kId || type != WireFormatLite::WIRETYPE_LENGTH_DELIMITED)
      return false;
    uint32_t size = 0;
    std::string bytes;
    parsed = stream.ReadVarint32(&size) && size <= header.size() &&
             stream.ReadString(&bytes, static_cast<int>(size)) &&
             id.emplace().ParseFromString(bytes);
    return parsed;
  });
  return parsed ? id : std::nullopt;
}

bool SameId(const pb::BatchId& a, const pb::BatchId& b) {
  return a.job() == b.job() && a.number() == b.number() &&
         a.attempt() == b.attempt() && a.epoch() == b.epoch();
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

}  // namespace troupe
