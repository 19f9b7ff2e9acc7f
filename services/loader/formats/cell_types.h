// The types of cells: what a column's cells allow it to be, and how a cell
// becomes a value of its column's type.
//
// Thread safety: as for structs.
#pragma once

#include <cstdint>

#include "services/loader/formats/row_parser.h"
#include "services/table/column_builder.h"

namespace troupe::loader {

// What has been seen of a column so far. Evidence is joined by |, so the order
// and the grouping of rows do not matter.
class TypeEvidence {
 public:
  static constexpr uint32_t kAll = 31;  // Every bit there is.

  void Observe(const Cell& cell, char decimal);
  // Of some cells at once: they are integers within int64, or have fractions.
  void ObserveNumbers(bool integers, bool fractions);

  // BOOL, INT64 or FLOAT64 when all values are; otherwise STRING. Integers
  // beyond int64 make a column of integers STRING (no digit is lost), and do
  // no harm to a column that has fractions: it is FLOAT64. A column without
  // values is FLOAT64.
  DataType Type() const;

  uint32_t bits() const { return bits_; }
  static TypeEvidence FromBits(uint32_t bits) {
    TypeEvidence evidence;
    evidence.bits_ = bits & kAll;
    return evidence;
  }

 private:
  uint32_t bits_ = 0;
};

// Whether the cell's text is a whole number (see AppendCell); then `value` is
// set.
bool CellToInt64(const Cell& cell, char decimal, int64_t* value);

// Appends the cell's value to `column`, or returns false (and appends nothing)
// when it does not fit `type`. INT64 takes fractions that are whole ("3.0",
// "1e3") up to 2^53; STRING takes everything, as it is written.
bool AppendCell(const Cell& cell, DataType type, char decimal,
                ColumnBuilder* column);

// Appends the cell's text to a column of text, also a missing word; null where
// the record has no such cell.
void AppendAsWritten(const Cell& cell, ColumnBuilder* column);

}  // namespace troupe::loader
