// Numbers of many cells at a time: those written plainly, that is as at most 16
// digits, with a sign before and a decimal point among them or not. What is
// read here is what number.h reads, to the bit; what is left is for number.h.
//
// Thread safety: functions without state.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "services/loader/formats/block_masks.h"

namespace troupe::loader {

// One cell of each of at most 64 rows: cell i is what stands in `text` between
// edges[i * stride] and edges[i * stride + 1], both not part of it. The edge
// before the text is all bits.
struct CellColumn {
  absl::string_view text;
  const uint32_t* edges = nullptr;
  size_t stride = 0;
  size_t rows = 0;
};

// Sets values[i] where the result's bit i is set: the cell is a plain number.
uint64_t ReadPlainDoubles(SimdLevel level, const CellColumn& cells,
                          char decimal, double* values);

// The same; cells with a decimal point are left.
uint64_t ReadPlainInt64s(SimdLevel level, const CellColumn& cells, char decimal,
                         int64_t* values);

struct PlainKinds {
  uint64_t integers = 0;
  uint64_t fractions = 0;
};

// Which cells are plain numbers without (and within int64) and with a decimal
// point. Here they may have up to 32 digits.
PlainKinds ClassifyPlainNumbers(SimdLevel level, const CellColumn& cells,
                                char decimal);

}  // namespace troupe::loader
