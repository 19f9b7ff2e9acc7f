#include "services/loader/formats/cell_types.h"

#include <cmath>

#include "services/loader/formats/number.h"

namespace troupe::loader {
namespace {

constexpr uint32_t kBool = 1;
constexpr uint32_t kInt64 = 2;
constexpr uint32_t kBigInt = 4;
constexpr uint32_t kFraction = 8;
constexpr uint32_t kText = 16;

uint32_t NumberBit(NumberKind kind) {
  switch (kind) {
    case NumberKind::kInt64:
      return kInt64;
    case NumberKind::kBigInt:
      return kBigInt;
    case NumberKind::kFraction:
      return kFraction;
    case NumberKind::kNone:
      return 0;
  }
  return 0;
}

// JSON always writes a point.
char DecimalOf(const Cell& cell, char decimal) {
  return cell.kind == Cell::Kind::kNumber ? '.' : decimal;
}

bool IsNumeric(const Cell& cell) {
  return cell.kind == Cell::Kind::kText || cell.kind == Cell::Kind::kNumber;
}

}  // namespace

bool CellToInt64(const Cell& cell, char decimal, int64_t* value) {
  if (ParseInt64(cell.text, value)) return true;
  double number = 0;
  if (!ParseDouble(cell.text, decimal, &number)) return false;
  if (std::trunc(number) != number || std::fabs(number) > 0x1p53) return false;
  *value = static_cast<int64_t>(number);
  return true;
}

void TypeEvidence::ObserveNumbers(bool integers, bool fractions) {
  if ((bits_ & kText) != 0) return;
  bits_ |= (integers ? kInt64 : 0) | (fractions ? kFraction : 0);
}

void TypeEvidence::Observe(const Cell& cell, char decimal) {
  switch (cell.kind) {
    case Cell::Kind::kMissing:
      return;
    case Cell::Kind::kBool:
      bits_ |= kBool;
      return;
    case Cell::Kind::kString:
      bits_ |= kText;
      return;
    case Cell::Kind::kNumber:
    case Cell::Kind::kText:
      break;
  }
  // Nothing can change a column of text any more.
  if ((bits_ & kText) != 0) return;
  const uint32_t bit =
      NumberBit(ClassifyNumber(cell.text, DecimalOf(cell, decimal)));
  bool value = false;
  bits_ |= bit != 0 ? bit : ParseBool(cell.text, &value) ? kBool : kText;
}

DataType TypeEvidence::Type() const {
  if (bits_ == 0) return pb::FLOAT64;
  if ((bits_ & kText) != 0) return pb::STRING;
  if ((bits_ & kBool) != 0) return bits_ == kBool ? pb::BOOL : pb::STRING;
  if ((bits_ & kFraction) != 0) return pb::FLOAT64;
  return (bits_ & kBigInt) != 0 ? pb::STRING : pb::INT64;
}

void AppendAsWritten(const Cell& cell, ColumnBuilder* column) {
  if (cell.text.data() == nullptr)
    column->AppendNull();
  else
    column->AppendText(cell.text);
}

bool AppendCell(const Cell& cell, DataType type, char decimal,
                ColumnBuilder* column) {
  if (cell.kind == Cell::Kind::kMissing) {
    column->AppendNull();
    return true;
  }
  switch (type) {
    case pb::FLOAT64: {
      double value = 0;
      if (!IsNumeric(cell) ||
          !ParseDouble(cell.text, DecimalOf(cell, decimal), &value))
        return false;
      column->AppendDouble(value);
      return true;
    }
    case pb::INT64: {
      int64_t value = 0;
      if (!IsNumeric(cell) ||
          !CellToInt64(cell, DecimalOf(cell, decimal), &value))
        return false;
      column->AppendInt64(value);
      return true;
    }
    case pb::BOOL: {
      bool value = false;
      if ((cell.kind != Cell::Kind::kText && cell.kind != Cell::Kind::kBool) ||
          !ParseBool(cell.text, &value))
        return false;
      column->AppendBool(value);
      return true;
    }
    default:
      column->AppendText(cell.text);
      return true;
  }
}

}  // namespace troupe::loader
