#include "services/loader/formats/block_scanner.h"

#include <algorithm>
#include <cstring>
#include <limits>

// Into each of its callers, which differ in the instructions they may use.
#define INLINE_HERE __attribute__((always_inline)) inline

namespace troupe::loader {
namespace {

constexpr uint64_t kAllBits = ~uint64_t{0};
constexpr uint64_t kTopBit = uint64_t{1} << 63;

bool IsBlankByte(char c) { return c == ' ' || c == '\t'; }

bool Holds(absl::string_view text, char c) {
  return c != Dialect::kNoCharacter && text.find(c) != absl::string_view::npos;
}

bool BlocksFit(const Dialect& dialect, absl::string_view text) {
  return text.size() < std::numeric_limits<uint32_t>::max() &&
         !Holds(text, dialect.comment) && !Holds(text, dialect.escape);
}

}  // namespace

BlockScanner::BlockScanner(SimdLevel level, Fields fields,
                           const Dialect& dialect, absl::string_view text,
                           bool last, int64_t first_line)
    : level_(level),
      find_fields_(fields == Fields::kFind),
      dialect_(dialect),
      text_(text),
      last_(last),
      blocks_usable_(level != SimdLevel::kNone && BlocksFit(dialect, text)),
      line_(first_line) {}

RecordScanner::Outcome BlockScanner::Next(Record* record) {
  open_quote_line_ = 0;
  while (blocks_usable_ && FindLineEnd()) {
    const LineEnd line_end = lines_[lines_taken_++];
    const size_t ends = line_end.ends;
    const size_t end = ends_[ends - 1];
    const size_t begin = position_;
    const bool two =
        text_[end] == '\r' && end + 1 < text_.size() && text_[end + 1] == '\n';
    // A \r at the very end may be half of \r\n.
    if (!last_ && text_[end] == '\r' && end + 1 == text_.size()) break;
    field_ends_ =
        absl::MakeConstSpan(ends_).subspan(ends_taken_, ends - ends_taken_);
    ends_taken_ = ends;
    position_ = end + (two ? 2 : 1);
    if (IsBlank(begin, end)) {
      ++line_;
      continue;
    }
    if (!find_fields_) field_ends_ = {};
    record->text = text_.substr(begin, end - begin);
    record->begin = begin;
    record->next = position_;
    record->line = line_;
    record->plain = begin >= quotes_end_;
    line_ += 1 + int64_t{line_end.inner - inner_taken_};
    inner_taken_ = line_end.inner;
    return Outcome::kRecord;
  }
  return NextByScalar(record);
}

bool BlockScanner::IsBlank(size_t begin, size_t end) const {
  while (begin < end && IsBlankByte(text_[begin]) &&
         text_[begin] != dialect_.delimiter)
    ++begin;
  return begin == end;
}

RecordScanner::Outcome BlockScanner::NextByScalar(Record* record) {
  field_ends_ = {};
  if (position_ == text_.size()) return Outcome::kEnd;
  if (!scalar_.has_value())
    scalar_.emplace(dialect_, text_, last_, line_, position_);
  scalar_->MoveTo(position_, line_);
  const Outcome outcome = scalar_->Next(record);
  line_ = scalar_->line();
  open_quote_line_ = scalar_->open_quote_line();
  RestartAt(scalar_->position());
  return outcome;
}

void BlockScanner::RestartAt(size_t position) {
  position_ = position;
  read_ = position;
  blocks_ = kFirstBlocks;
  carry_ = Carry();
  irregular_ = false;
  ends_size_ = ends_taken_ = 0;
  lines_size_ = lines_taken_ = 0;
  inner_taken_ = inner_read_;
}

INLINE_HERE void BlockScanner::PushEnds(uint64_t ends, uint64_t line_ends,
                                        uint64_t inner, size_t begin) {
  for (uint64_t lines = line_ends; lines != 0; lines &= lines - 1) {
    const uint64_t up_to = lines ^ (lines - 1);
    const auto count =
        static_cast<uint32_t>(__builtin_popcountll(ends & up_to));
    const auto inner_count =
        static_cast<uint32_t>(__builtin_popcountll(inner & up_to));
    lines_[lines_size_++] = {static_cast<uint32_t>(ends_size_) + count,
                             inner_read_ + inner_count};
  }
  if (inner != 0)
    inner_read_ += static_cast<uint32_t>(__builtin_popcountll(inner));
  uint32_t* to = ends_.data() + ends_size_;
  const auto count = static_cast<size_t>(__builtin_popcountll(ends));
  // Eight at a time, some of them for nothing: cheaper than to mispredict how
  // many there are.
  for (size_t done = 0; done < count; done += 8)
    for (size_t i = 0; i < 8; ++i, ends &= ends - 1)
      to[done + i] = static_cast<uint32_t>(begin) +
                     static_cast<uint32_t>(__builtin_ctzll(ends | kTopBit));
  ends_size_ += count;
}

// Takes the ends of one block; false when parity leads astray in it: then those
// before that place.
INLINE_HERE bool BlockScanner::ReadBlock(const BlockMasks& masks, size_t begin,
                                         uint64_t valid) {
  const uint64_t quote = masks.quote & valid;
  const uint64_t breaks = masks.newline | masks.carriage_return;
  uint64_t separators = masks.delimiter | breaks;
  uint64_t inside = carry_.inside;
  uint64_t bad = 0;
  if ((quote | carry_.closed) != 0) {
    inside ^= masks.quoted;
    const uint64_t opens = quote & inside;
    const uint64_t closes = quote & ~inside;
    const uint64_t after_separator =
        (separators & ~inside) << 1 | carry_.separator;
    const uint64_t after_close = closes << 1 | carry_.closed;
    bad = ((opens & ~(after_separator | after_close)) |
           (after_close & ~(separators | quote))) &
          valid;
    // The bits before the first bad one.
    if (bad != 0) valid &= (bad & (0 - bad)) - 1;
    carry_.closed = closes >> 63;
    quotes_end_ = begin + kBlockBytes;
  }
  const uint64_t outside = valid & ~inside;
  const uint64_t second_half =
      masks.carriage_return << 1 | carry_.carriage_return;
  const uint64_t all_line_ends =
      masks.carriage_return | (masks.newline & ~second_half);
  const uint64_t line_ends = all_line_ends & outside;
  separators &= outside;
  carry_.inside = 0 - (inside >> 63);
  carry_.separator = separators >> 63;
  carry_.carriage_return = masks.carriage_return >> 63;
  PushEnds(find_fields_ ? (masks.delimiter & outside) | line_ends : line_ends,
           line_ends, all_line_ends & valid & inside, begin);
  return bad == 0;
}

INLINE_HERE void BlockScanner::ReadEachMask(size_t blocks, uint64_t valid) {
  for (size_t i = 0; i < blocks && !irregular_; ++i, read_ += kBlockBytes)
    irregular_ = !ReadBlock(masks_[i], read_, valid);
}

#if defined(__x86_64__)
// The same code, with the instructions that count and find bits.
__attribute__((target("avx2,bmi,popcnt"))) void BlockScanner::ReadMasksAvx2(
    size_t blocks, uint64_t valid) {
  ReadEachMask(blocks, valid);
}
#else
void BlockScanner::ReadMasksAvx2(size_t blocks, uint64_t valid) {
  ReadEachMask(blocks, valid);
}
#endif

void BlockScanner::ReadMasks(size_t blocks, uint64_t valid) {
  if (level_ == SimdLevel::kAvx2) return ReadMasksAvx2(blocks, valid);
  ReadEachMask(blocks, valid);
}

// Whether the end of the line at position_ is known: lines_ has one to take.
bool BlockScanner::FindLineEnd() {
  while (lines_taken_ == lines_size_)
    if (!ReadBlocks()) return false;
  return true;
}

// Reads some blocks ahead; false when none is left that can be read.
bool BlockScanner::ReadBlocks() {
  if (irregular_ || read_ == text_.size()) return false;
  std::copy(ends_.begin() + static_cast<ptrdiff_t>(ends_taken_),
            ends_.begin() + static_cast<ptrdiff_t>(ends_size_), ends_.begin());
  ends_size_ -= ends_taken_;
  ends_taken_ = lines_size_ = lines_taken_ = 0;
  const size_t rest = text_.size() - read_;
  const size_t blocks = std::min(blocks_, rest / kBlockBytes);
  const size_t room = (blocks + 1) * kBlockBytes;
  if (ends_.size() < ends_size_ + room) ends_.resize(2 * (ends_size_ + room));
  if (lines_.size() < room) lines_.resize(room);
  if (blocks > 0) {
    MarkBlocks(level_, dialect_, text_.data() + read_, blocks, masks_.data());
    ReadMasks(blocks, kAllBits);
  } else {
    std::array<char, kBlockBytes> padded = {};
    std::memcpy(padded.data(), text_.data() + read_, rest);
    MarkBlocks(level_, dialect_, padded.data(), 1, masks_.data());
    ReadMasks(1, ~(kAllBits << rest));
    read_ = text_.size();
  }
  blocks_ = std::min(2 * blocks_, kMaxBlocks);
  return true;
}

}  // namespace troupe::loader
