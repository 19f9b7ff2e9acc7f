#include "services/preprocessor/category_key.h"

#include <charconv>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/table/utf8.h"

namespace troupe::preprocessor {
namespace {

constexpr uint64_t kSign = uint64_t{1} << 63;

std::string BigEndian(uint64_t value) {
  std::string key(8, '\0');
  for (size_t i = 0; i < 8; ++i)
    key[i] = static_cast<char>(value >> (56 - 8 * i));
  return key;
}

uint64_t FromBigEndian(absl::string_view key) {
  uint64_t value = 0;
  for (const char c : key) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

std::string KeyOfInt64(int64_t value) {
  return BigEndian(static_cast<uint64_t>(value) ^ kSign);
}

std::string KeyOfDouble(double value) { return BigEndian(OrderedBits(value)); }

std::string KeyOfBool(bool value) {
  return std::string(1, value ? '\1' : '\0');
}

int64_t Int64OfKey(absl::string_view key) {
  return static_cast<int64_t>(FromBigEndian(key) ^ kSign);
}

double DoubleOfKey(absl::string_view key) {
  return FromOrderedBits(FromBigEndian(key));
}

std::string KeyAt(const Column& column, int64_t row) {
  switch (column.type()) {
    case pb::BOOL:
      return KeyOfBool(column.boolean(row));
    case pb::INT64:
      return KeyOfInt64(column.int64s()[static_cast<size_t>(row)]);
    case pb::FLOAT64:
      return KeyOfDouble(column.doubles()[static_cast<size_t>(row)]);
    default:
      return std::string(column.text(row));
  }
}

bool ValidKey(DataType type, absl::string_view key) {
  switch (type) {
    case pb::BOOL:
      return key.size() == 1 && (key[0] == '\0' || key[0] == '\1');
    case pb::INT64:
      return key.size() == 8;
    case pb::FLOAT64:
      return key.size() == 8 && std::isfinite(DoubleOfKey(key));
    default:
      return IsUtf8(key);
  }
}

bool ParseKey(DataType type, absl::string_view text, std::string* key) {
  int64_t whole = 0;
  double number = 0;
  switch (type) {
    case pb::BOOL: {
      const bool yes = text == "true" || text == "True" || text == "TRUE";
      if (!yes && text != "false" && text != "False" && text != "FALSE")
        return false;
      *key = KeyOfBool(yes);
      return true;
    }
    case pb::INT64:
      if (!absl::SimpleAtoi(text, &whole)) return false;
      *key = KeyOfInt64(whole);
      return true;
    case pb::FLOAT64:
      if (!absl::SimpleAtod(text, &number) || !std::isfinite(number))
        return false;
      *key = KeyOfDouble(number);
      return true;
    default:
      *key = std::string(text);
      return true;
  }
}

std::string KeyText(DataType type, absl::string_view key) {
  switch (type) {
    case pb::BOOL:
      return key[0] == '\0' ? "False" : "True";
    case pb::INT64:
      return absl::StrCat(Int64OfKey(key));
    case pb::FLOAT64:
      return PythonFloat(DoubleOfKey(key));
    default:
      return std::string(key);
  }
}

std::string PythonFloat(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  // Python writes the shortest digits that read back, with an exponent below
  // 1e-4 and from 1e16.
  const double size = std::fabs(value);
  const bool scientific = size != 0 && (size < 1e-4 || size >= 1e16);
  char buffer[64];
  const auto end = std::to_chars(
      buffer, buffer + sizeof(buffer), value,
      scientific ? std::chars_format::scientific : std::chars_format::fixed);
  std::string text(buffer, end.ptr);
  if (!scientific && text.find('.') == std::string::npos) text += ".0";
  return text;
}

}  // namespace troupe::preprocessor
