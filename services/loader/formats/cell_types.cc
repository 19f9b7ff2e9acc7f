#include "services/loader/formats/cell_types.h"

#include "absl/algorithm/container.h"
#include "services/table/civil_time.h"

namespace troupe::loader {
namespace {

constexpr uint32_t kBool = 1;
constexpr uint32_t kInt64 = 2;
constexpr uint32_t kBigInt = 4;
constexpr uint32_t kFraction = 8;
constexpr uint32_t kText = 16;
constexpr uint32_t kMissingNumber = 32;
constexpr uint32_t kNested = 64;
constexpr uint32_t kDate = 128;
constexpr uint32_t kNaiveTime = 256;
constexpr uint32_t kOffsetTime = 512;
constexpr uint32_t kTimes = kDate | kNaiveTime | kOffsetTime;

// What text that is neither number nor bool is.
uint32_t TextBit(absl::string_view text) {
  int64_t micros = 0;
  switch (ParseIso(text, &micros)) {
    case IsoForm::kDate:
      return kDate;
    case IsoForm::kNaive:
      return kNaiveTime;
    case IsoForm::kOffset:
      return kOffsetTime;
    case IsoForm::kNone:
      break;
  }
  return kText;
}

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

bool IsNumeric(const Cell& cell) {
  return cell.kind == Cell::Kind::kText || cell.kind == Cell::Kind::kNumber;
}

}  // namespace

// JSON always writes a point.
char CellReader::DecimalOf(const Cell& cell) const {
  return cell.kind == Cell::Kind::kNumber ? '.' : dialect_.decimal;
}

absl::string_view CellReader::NumberText(const Cell& cell,
                                         std::string* scratch) const {
  const bool grouped = dialect_.thousands != Dialect::kNoCharacter &&
                       cell.kind == Cell::Kind::kText;
  return grouped ? WithoutSeparators(cell.text, dialect_.thousands, scratch)
                 : cell.text;
}

NumberKind CellReader::KindOf(const Cell& cell) const {
  std::string scratch;
  return ClassifyNumber(NumberText(cell, &scratch), DecimalOf(cell));
}

CellReader::Value CellReader::ToDouble(const Cell& cell, double* value) const {
  if (cell.kind == Cell::Kind::kMissing) return Value::kMissing;
  std::string scratch;
  if (!IsNumeric(cell) ||
      !ParseDouble(NumberText(cell, &scratch), DecimalOf(cell), value))
    return Value::kUnfit;
  return missing_.has_numbers() && !cell.given &&
                 missing_.ContainsNumber(*value)
             ? Value::kMissing
             : Value::kGiven;
}

CellReader::Value CellReader::ToInt64(const Cell& cell, int64_t* value) const {
  if (cell.kind == Cell::Kind::kMissing) return Value::kMissing;
  if (!IsNumeric(cell)) return Value::kUnfit;
  std::string scratch;
  const absl::string_view text = NumberText(cell, &scratch);
  if (!ParseInt64(text, value) &&
      !ParseWholeNumber(text, DecimalOf(cell), value))
    return IsMissingNumber(cell) ? Value::kMissing : Value::kUnfit;
  return missing_.has_numbers() && !cell.given &&
                 missing_.ContainsNumber(*value)
             ? Value::kMissing
             : Value::kGiven;
}

CellReader::Value CellReader::ToBool(const Cell& cell, bool* value) const {
  if (cell.kind == Cell::Kind::kMissing) return Value::kMissing;
  if (cell.kind != Cell::Kind::kText && cell.kind != Cell::Kind::kBool)
    return Value::kUnfit;
  *value = absl::c_linear_search(dialect_.true_values, cell.text);
  if (*value || absl::c_linear_search(dialect_.false_values, cell.text))
    return Value::kGiven;
  return ParseBool(cell.text, value) ? Value::kGiven : Value::kUnfit;
}

CellReader::Value CellReader::ToTime(const Cell& cell, DataType type,
                                     const TimeFormat* format,
                                     int64_t* value) const {
  if (cell.kind == Cell::Kind::kMissing) return Value::kMissing;
  if (cell.kind != Cell::Kind::kText && cell.kind != Cell::Kind::kString)
    return Value::kUnfit;
  int64_t micros = 0;
  if (format != nullptr) {
    if (!format->Parse(cell.text, &micros)) return Value::kUnfit;
  } else {
    const IsoForm form = ParseIso(cell.text, &micros);
    if (form == IsoForm::kNone || (type == pb::DATE && form != IsoForm::kDate))
      return Value::kUnfit;
  }
  *value = type == pb::DATE ? DayOf(pb::TIMESTAMP, micros) : micros;
  return Value::kGiven;
}

bool CellReader::IsMissing(const Cell& cell, DataType type) const {
  double number = 0;
  int64_t whole = 0;
  return cell.kind == Cell::Kind::kMissing ||
         (type == pb::FLOAT64 && ToDouble(cell, &number) == Value::kMissing) ||
         (type == pb::INT64 && ToInt64(cell, &whole) == Value::kMissing);
}

bool CellReader::IsMissingNumber(const Cell& cell) const {
  double value = 0;
  return missing_.has_numbers() && ToDouble(cell, &value) == Value::kMissing;
}

void TypeEvidence::ObserveNumbers(bool integers, bool fractions) {
  if ((bits_ & kText) != 0) return;
  bits_ |= (integers ? kInt64 : 0) | (fractions ? kFraction : 0);
}

bool TypeEvidence::Observe(const Cell& cell, const CellReader& reader) {
  switch (cell.kind) {
    case Cell::Kind::kMissing:
      return true;
    case Cell::Kind::kBool:
      bits_ |= kBool;
      return true;
    case Cell::Kind::kString:
      if ((bits_ & kText) == 0) bits_ |= TextBit(cell.text);
      return true;
    case Cell::Kind::kNested:
      bits_ |= kNested;
      return true;
    case Cell::Kind::kNumber:
    case Cell::Kind::kText:
      break;
  }
  if (reader.IsMissingNumber(cell)) {
    bits_ |= kMissingNumber;
    return false;
  }
  // Nothing can change a column of text any more.
  if ((bits_ & kText) != 0) return true;
  const uint32_t bit = NumberBit(reader.KindOf(cell));
  bool value = false;
  const bool is_bool =
      bit == 0 && reader.ToBool(cell, &value) == CellReader::Value::kGiven;
  bits_ |= bit != 0 ? bit : is_bool ? kBool : TextBit(cell.text);
  return true;
}

bool TypeEvidence::nested() const { return (bits_ & kNested) != 0; }

DataType TypeEvidence::Type() const {
  if ((bits_ & kText) != 0) return pb::STRING;
  if ((bits_ & kTimes) != 0) {
    const uint32_t seen = bits_ & ~kNested;
    if (seen == kDate) return pb::DATE;
    const bool one_clock = seen == kOffsetTime || (seen & ~kDate) == kNaiveTime;
    return one_clock ? pb::TIMESTAMP : pb::STRING;
  }
  if ((bits_ & kBool) != 0)
    return (bits_ & ~kNested) == kBool ? pb::BOOL : pb::STRING;
  if ((bits_ & kFraction) != 0) return pb::FLOAT64;
  if ((bits_ & kBigInt) != 0) return pb::STRING;
  return (bits_ & kInt64) != 0 ? pb::INT64 : pb::FLOAT64;
}

void AppendAsWritten(const Cell& cell, ColumnBuilder* column) {
  if (cell.text.data() == nullptr)
    column->AppendNull();
  else
    column->AppendText(cell.text);
}

bool CellReader::Append(const Cell& cell, DataType type,
                        const TimeFormat* format, ColumnBuilder* column) const {
  Value found = Value::kGiven;
  double number = 0;
  int64_t whole = 0;
  bool flag = false;
  switch (type) {
    case pb::FLOAT64:
      found = ToDouble(cell, &number);
      if (found == Value::kGiven) column->AppendDouble(number);
      break;
    case pb::INT64:
      found = ToInt64(cell, &whole);
      if (found == Value::kGiven) column->AppendInt64(whole);
      break;
    case pb::DATE:
    case pb::TIMESTAMP:
      found = ToTime(cell, type, format, &whole);
      if (found == Value::kGiven) column->AppendInt64(whole);
      break;
    case pb::BOOL:
      found = ToBool(cell, &flag);
      if (found == Value::kGiven) column->AppendBool(flag);
      break;
    default:
      if (cell.kind == Cell::Kind::kMissing) found = Value::kMissing;
      if (cell.kind == Cell::Kind::kNested) found = Value::kUnfit;
      if (found == Value::kGiven) column->AppendText(cell.text);
  }
  if (found == Value::kMissing) column->AppendNull();
  return found != Value::kUnfit;
}

}  // namespace troupe::loader
