// A BlockScanner finds the same records as a RecordScanner, 64 bytes at a time,
// and on the way the fields of each.
//
// Quotes are followed by parity: a quote opens or closes as the count of those
// before it is even or odd. That is right where every opening quote begins a
// field and every closing one ends it. A record where that does not hold, and
// the last one of the text, is left to a RecordScanner; so is a whole text that
// has comments or escapes. The outcome is thus always the RecordScanner's.
//
// Thread safety: one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/loader/formats/block_masks.h"
#include "services/loader/formats/dialect.h"
#include "services/loader/formats/record_scanner.h"

namespace troupe::loader {

class BlockScanner {
 public:
  using Outcome = RecordScanner::Outcome;
  enum class Fields { kPassOver, kFind };

  // See RecordScanner.
  BlockScanner(SimdLevel level, Fields fields, const Dialect& dialect,
               absl::string_view text, bool last, int64_t first_line);

  // As RecordScanner, but `plain` may be false though nothing is quoted.
  Outcome Next(Record* record);

  // Where the fields of the last record end, positions in the text: the next
  // field begins one byte later. Empty when the record is to be taken apart by
  // SplitCsvRecord. Valid until Next.
  absl::Span<const uint32_t> field_ends() const { return field_ends_; }

  // See RecordScanner.
  size_t position() const { return position_; }
  int64_t line() const { return line_; }
  int64_t open_quote_line() const { return open_quote_line_; }

 private:
  static constexpr size_t kMaxBlocks = 64;
  // Of the blocks in hand where one is irregular, all are searched again.
  static constexpr size_t kFirstBlocks = 4;

  // What one block says to the next.
  struct Carry {
    uint64_t inside = 0;           // All bits: the block begins within quotes.
    uint64_t separator = 1;        // Bit 0: its first byte begins a field,
    uint64_t closed = 0;           // follows a closing quote,
    uint64_t carriage_return = 0;  // or follows \r.
  };

  struct LineEnd {
    uint32_t ends;   // How many ends there are in ends_ up to this one.
    uint32_t inner;  // How many line ends within quotes have come before.
  };

  bool FindLineEnd();
  bool ReadBlocks();
  void ReadMasks(size_t blocks, uint64_t valid);
  void ReadMasksAvx2(size_t blocks, uint64_t valid);
  inline void ReadEachMask(size_t blocks, uint64_t valid);
  inline bool ReadBlock(const BlockMasks& masks, size_t begin, uint64_t valid);
  inline void PushEnds(uint64_t ends, uint64_t line_ends, uint64_t inner,
                       size_t begin);
  Outcome NextByScalar(Record* record);
  void RestartAt(size_t position);
  bool IsBlank(size_t begin, size_t end) const;

  const SimdLevel level_;
  const bool find_fields_;
  const Dialect& dialect_;
  const absl::string_view text_;
  const bool last_;
  bool blocks_usable_;
  size_t position_ = 0;
  int64_t line_;
  int64_t open_quote_line_ = 0;
  absl::Span<const uint32_t> field_ends_;

  size_t read_ = 0;  // Up to here the blocks were read.
  size_t blocks_ = kFirstBlocks;
  Carry carry_;
  bool irregular_ = false;  // The blocks end with a record that is irregular.
  size_t quotes_end_ = 0;   // Behind it no quote has been read.
  std::array<BlockMasks, kMaxBlocks> masks_;
  std::vector<uint32_t> ends_;  // Of fields (or of lines only), read ahead.
  size_t ends_size_ = 0;
  size_t ends_taken_ = 0;
  std::vector<LineEnd> lines_;
  size_t lines_size_ = 0;
  size_t lines_taken_ = 0;
  uint32_t inner_read_ = 0;   // Line ends within quotes, of all blocks,
  uint32_t inner_taken_ = 0;  // and of the records up to now.
  std::optional<RecordScanner> scalar_;
};

}  // namespace troupe::loader
