#include "client/rpc/table_bytes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/owned_slice.h"

namespace troupe {
namespace {

using Slices = absl::InlinedVector<grpc::Slice, 2>;

constexpr uint32_t kTableField = 1000;
constexpr uint32_t kLengthDelimited = 2;
constexpr size_t kLongHeader = size_t{64} << 10;  // Dearer to copy than to own.

// Walks over slices as if they were one string.
class SliceReader {
 public:
  explicit SliceReader(absl::Span<const grpc::Slice> slices) : slices_(slices) {
    for (const grpc::Slice& slice : slices) left_ += slice.size();
  }

  uint64_t position() const { return position_; }
  uint64_t left() const { return left_; }

  bool ReadVarint(uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (left_ == 0) return false;
      while (offset_ == slices_[slice_].size()) NextSlice();
      const uint8_t byte = slices_[slice_].begin()[offset_];
      ++offset_, ++position_, --left_;
      if (shift == 63 && byte > 1) return false;  // Beyond 64 bits.
      *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool Skip(uint64_t count) {
    if (count > left_) return false;
    position_ += count;
    left_ -= count;
    while (count > slices_[slice_].size() - offset_) {
      count -= slices_[slice_].size() - offset_;
      NextSlice();
    }
    offset_ += count;
    return true;
  }

 private:
  void NextSlice() { ++slice_, offset_ = 0; }

  const absl::Span<const grpc::Slice> slices_;
  size_t slice_ = 0;
  uint64_t offset_ = 0;    // Within slice_.
  uint64_t position_ = 0;  // Over all.
  uint64_t left_ = 0;
};

bool SkipValue(SliceReader& reader, uint64_t wire_type) {
  uint64_t number = 0;
  switch (wire_type) {
    case 0:
      return reader.ReadVarint(&number);
    case 1:
      return reader.Skip(8);
    case kLengthDelimited:
      return reader.ReadVarint(&number) && reader.Skip(number);
    case 5:
      return reader.Skip(4);
    default:
      return false;  // Groups are not in proto3.
  }
}

struct Cut {
  uint64_t header_bytes = 0;
  uint64_t table_bytes = 0;
};

absl::StatusOr<Cut> FindTable(SliceReader& reader) {
  Cut cut;
  while (reader.left() > 0) {
    cut.header_bytes = reader.position();
    uint64_t key = 0;
    if (!reader.ReadVarint(&key) || key > UINT32_MAX || key >> 3 == 0)
      return BadMessage("malformed field key");
    if (key >> 3 != kTableField) {
      if (!SkipValue(reader, key & 7)) return BadMessage("malformed field");
      continue;
    }
    if ((key & 7) != kLengthDelimited || !reader.ReadVarint(&cut.table_bytes))
      return BadMessage("malformed table field");
    if (cut.table_bytes != reader.left())
      return BadMessage("the table is cut off, or something follows it");
    return cut;
  }
  cut.header_bytes = reader.position();
  return cut;
}

// Bytes [begin, end) of the slices, shared.
Slices SubSlices(absl::Span<const grpc::Slice> slices, uint64_t begin,
                 uint64_t end) {
  Slices wanted;
  uint64_t position = 0;
  for (const grpc::Slice& slice : slices) {
    const uint64_t from = std::max(begin, position);
    const uint64_t to = std::min(end, position + slice.size());
    if (from < to) wanted.push_back(slice.sub(from - position, to - position));
    position += slice.size();
  }
  return wanted;
}

std::string Concatenate(absl::Span<const grpc::Slice> slices, uint64_t size) {
  std::string bytes;
  bytes.reserve(size);
  for (const grpc::Slice& slice : slices)
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

}  // namespace

TableBytes TableBytes::FromTable(std::string serialized_table) {
  TableBytes table;
  if (serialized_table.empty()) return table;
  table.size_ = static_cast<int64_t>(serialized_table.size());
  Slices slices;
  slices.push_back(SliceOf(BytesKey(kTableField, serialized_table.size())));
  slices.push_back(SliceOf(std::move(serialized_table)));
  table.slices_ = std::make_shared<const Slices>(std::move(slices));
  return table;
}

absl::StatusOr<std::string> TableBytes::TableString() const {
  if (empty()) return "";
  uint64_t total = 0;
  for (const grpc::Slice& slice : *slices_) total += slice.size();
  const auto size = static_cast<uint64_t>(size_);
  return Concatenate(SubSlices(*slices_, total - size, total), size);
}

std::vector<absl::string_view> TableBytes::Pieces() const {
  std::vector<absl::string_view> pieces;
  if (empty()) return pieces;
  size_t key = 0;  // Bytes in front of the content.
  for (const grpc::Slice& slice : *slices_) key += slice.size();
  key -= static_cast<size_t>(size_);
  pieces.reserve(slices_->size());
  for (const grpc::Slice& slice : *slices_) {
    const size_t skipped = std::min(key, slice.size());
    key -= skipped;
    if (skipped < slice.size())
      pieces.emplace_back(
          reinterpret_cast<const char*>(slice.begin()) + skipped,
          slice.size() - skipped);
  }
  return pieces;
}

absl::StatusOr<SplitMessage> Split(const grpc::ByteBuffer& message) {
  std::vector<grpc::Slice> slices(1);
  if (!message.Valid() || (!message.TrySingleSlice(slices.data()).ok() &&
                           !message.Dump(&slices).ok()))
    return BadMessage("a message without bytes");
  SliceReader reader(slices);
  ASSIGN_OR_RETURN(const Cut cut, FindTable(reader));
  SplitMessage split;
  split.header =
      Concatenate(SubSlices(slices, 0, cut.header_bytes), cut.header_bytes);
  if (cut.table_bytes > 0) {
    split.table.slices_ = std::make_shared<const Slices>(
        SubSlices(slices, cut.header_bytes, message.Length()));
    split.table.size_ = static_cast<int64_t>(cut.table_bytes);
  }
  return split;
}

grpc::ByteBuffer Join(std::string header, const TableBytes& table) {
  absl::InlinedVector<grpc::Slice, 4> slices;
  if (header.size() > kLongHeader) {  // Partials, or inline text.
    slices.push_back(SliceOf(std::move(header)));
  } else {
    slices.emplace_back(header);
  }
  if (!table.empty())
    slices.insert(slices.end(), table.slices_->begin(), table.slices_->end());
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace troupe
