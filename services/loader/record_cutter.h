// Cuts a run of whole records off a text.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/loader/formats/block_masks.h"
#include "services/loader/formats/dialect.h"
#include "services/loader/sources/text_reader.h"

namespace troupe::loader {

struct CutLimits {
  int64_t bytes = 0;    // A run is longer only if it is a single record.
  int64_t records = 0;  // At least 1.
  int64_t max_record_bytes = 0;
  SimdLevel simd = BestSimdLevel();
};

// A run of records at the beginning of a reader's window.
struct Cut {
  size_t begin = 0;  // In the window: where the first record begins,
  size_t end = 0;    // and where what follows the last one begins.
  int64_t rows = 0;  // 0: there are no records left in what the reader has.
  int64_t first_line = 0;  // Line of the first record.
  int64_t next_line = 0;   // Line at `end`.
  bool full = false;  // A limit was reached; otherwise the reader's text ended.
};

// Finds the next run; nothing is discarded but blank lines. `line` is the line
// at the reader's position, and follows it. BAD_INPUT when a quote is never
// closed or a record is too long.
absl::StatusOr<Cut> CutRecords(const Dialect& dialect, const CutLimits& limits,
                               int64_t* line, TextReader* reader);

}  // namespace troupe::loader
