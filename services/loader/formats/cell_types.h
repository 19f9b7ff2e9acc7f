// The types of cells: what a column's cells allow it to be, and how a cell
// becomes a value of its column's type.
//
// Thread safety: as for structs.
#pragma once

#include <cstdint>
#include <string>

#include "services/loader/formats/dialect.h"
#include "services/loader/formats/missing_words.h"
#include "services/loader/formats/number.h"
#include "services/loader/formats/row_parser.h"
#include "services/loader/formats/time_format.h"
#include "services/table/column_builder.h"

namespace troupe::loader {

// How the cells of a dialect become values.
class CellReader {
 public:
  enum class Value {
    kGiven,    // It was set.
    kMissing,  // Nothing, or a number that stands for nothing.
    kUnfit,    // The cell is not of the type.
  };

  // Both must outlive the reader.
  CellReader(const Dialect& dialect, const MissingWords& missing)
      : dialect_(dialect), missing_(missing) {}

  Value ToDouble(const Cell& cell, double* value) const;
  // Takes fractions that are whole ("3.0", "1e3"), exactly.
  Value ToInt64(const Cell& cell, int64_t* value) const;
  Value ToBool(const Cell& cell, bool* value) const;
  // DATE or TIMESTAMP, in `format`, or where that is null in ISO 8601: a date
  // of a date only, a timestamp of every form.
  Value ToTime(const Cell& cell, DataType type, const TimeFormat* format,
               int64_t* value) const;

  // What kind of number the cell's text is.
  NumberKind KindOf(const Cell& cell) const;
  // Whether there is no value in a column of that type.
  bool IsMissing(const Cell& cell, DataType type) const;
  // Whether the cell is a number that stands for nothing.
  bool IsMissingNumber(const Cell& cell) const;

  // Appends the cell's value to `column`, or returns false (and appends
  // nothing) when it does not fit `type`. STRING takes everything, as it is
  // written. `format` as for ToTime.
  bool Append(const Cell& cell, DataType type, const TimeFormat* format,
              ColumnBuilder* column) const;

 private:
  char DecimalOf(const Cell& cell) const;
  absl::string_view NumberText(const Cell& cell, std::string* scratch) const;

  const Dialect& dialect_;
  const MissingWords& missing_;
};

// What has been seen of a column so far. Evidence is joined by |, so the order
// and the grouping of rows do not matter.
class TypeEvidence {
 public:
  static constexpr uint32_t kAll = 1023;  // Every bit there is.

  // False when the cell is missing in a column of numbers, and of text is a
  // value.
  bool Observe(const Cell& cell, const CellReader& reader);
  // Of some cells at once: they are integers within int64, or have fractions.
  void ObserveNumbers(bool integers, bool fractions);

  // BOOL, INT64 or FLOAT64 when all values are; otherwise STRING. Integers
  // beyond int64 make a column of integers STRING (no digit is lost), and do
  // no harm to a column that has fractions: it is FLOAT64. DATE when all are
  // ISO dates; TIMESTAMP when all are such times, with an offset or (dates
  // among them) without one. A column without values is FLOAT64.
  DataType Type() const;

  // Whether there are objects or arrays among the cells, which change no type.
  bool nested() const;

  uint32_t bits() const { return bits_; }
  static TypeEvidence FromBits(uint32_t bits) {
    TypeEvidence evidence;
    evidence.bits_ = bits & kAll;
    return evidence;
  }

 private:
  uint32_t bits_ = 0;
};

// Appends the cell's text to a column of text, also a missing word; null where
// the record has no such cell.
void AppendAsWritten(const Cell& cell, ColumnBuilder* column);

}  // namespace troupe::loader
