// A RowParser takes a record apart into cells, one per column of the source.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/loader/formats/dialect.h"
#include "services/loader/formats/missing_words.h"
#include "services/loader/formats/record_scanner.h"

namespace troupe::loader {

// What one record says of one column.
struct Cell {
  enum class Kind : uint8_t {
    kMissing,  // Nothing.
    kText,     // CSV: any type, as the text shows.
    kNumber,   // JSON's kinds.
    kBool,
    kString,
    kNested,  // An object or an array, which no column can hold.
  };
  // Valid until the next record is parsed; without data where the record ended
  // before it, or had no such key. Set for a missing word, too.
  absl::string_view text;
  uint32_t offset = 0;  // Where it begins in the record, bytes.
  Kind kind = Kind::kMissing;
  bool given = false;  // Whatever it says, it is a value (see quoted_na).
};

// Why a record is no row: a sentence around what differs from row to row.
struct RowError {
  size_t offset = 0;  // Where in the record, bytes.
  std::string before;
  std::string value = "";
  std::string after = "";
  absl::string_view reason = "BAD_ROW";

  std::string Sentence() const { return before + value + after; }
};

class RowParser {
 public:
  virtual ~RowParser() = default;

  // Sets `cells` to one cell per column, or says why the record is no row.
  // Never reads beyond the record, whatever its bytes.
  virtual std::optional<RowError> Parse(const Record& record,
                                        std::vector<Cell>* cells) = 0;

  // Whether the last record was short, and was filled.
  bool filled() const { return filled_; }

 protected:
  bool filled_ = false;
};

// A parser of the dialect's format. `missing` must outlive it. CSV: a record
// may have at most as many fields as there are columns; what is too few is
// missing, or the record is no row (SHORT_ROW), by `on_short_row`. JSON: keys
// that are no column are ignored; cells of the columns in `verbatim` (one flag
// per column) are tokens as they were written, quotes included.
std::unique_ptr<RowParser> MakeRowParser(
    const Dialect& dialect, const MissingWords& missing,
    const std::vector<std::string>& columns, std::vector<bool> verbatim);

}  // namespace troupe::loader
