// Where the special characters of a text stand: one bit per byte, 64 bytes at a
// time.
//
// Thread safety: functions without state.
#pragma once

#include <cstddef>
#include <cstdint>

#include "services/loader/formats/dialect.h"

namespace troupe::loader {

// How text is searched.
enum class SimdLevel {
  kNone,  // Not in blocks: by the scalar machine alone.
  kSse2,  // What every x86-64 has; elsewhere plain code.
  kAvx2,  // Also numbers are read by vector instructions.
};

// The best level of this processor.
SimdLevel BestSimdLevel();

inline constexpr size_t kBlockBytes = 64;

// Bit i is the block's byte i.
struct BlockMasks {
  uint64_t delimiter = 0;
  uint64_t quote = 0;
  uint64_t newline = 0;
  uint64_t carriage_return = 0;
  uint64_t quoted = 0;  // Odd many quotes from the block's beginning up to it.
};

// Sets `masks` for the `blocks` whole blocks that begin at `text`. A character
// that the dialect lacks (kNoCharacter) is nowhere.
void MarkBlocks(SimdLevel level, const Dialect& dialect, const char* text,
                size_t blocks, BlockMasks* masks);

}  // namespace troupe::loader
