// A category key is a value of any type as bytes that sort as the values do
// (proto/troupe/v1/fitted.proto, Categories). So one sorted list and one hash
// map serve every type.
//
// Thread safety: functions without state.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/table/table.h"

namespace troupe::preprocessor {

// Doubles as integers of the same order. -0 counts as 0; not for NaN.
inline uint64_t OrderedBits(double value) {
  const auto bits = std::bit_cast<uint64_t>(value + 0.0);
  constexpr uint64_t kSign = uint64_t{1} << 63;
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}
inline double FromOrderedBits(uint64_t key) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  return std::bit_cast<double>((key & kSign) != 0 ? key & ~kSign : ~key);
}

std::string KeyOfInt64(int64_t value);
std::string KeyOfDouble(double value);
std::string KeyOfBool(bool value);

// The key must be one of that type.
int64_t Int64OfKey(absl::string_view key);
double DoubleOfKey(absl::string_view key);

// The key of the value in a row that has one.
std::string KeyAt(const Column& column, int64_t row);

// Whether `key` can be one of `type`; foreign keys must be asked first.
bool ValidKey(DataType type, absl::string_view key);

// The key of a category that a person wrote, or nothing when `text` is no value
// of `type`. Writes `*key` only on success.
bool ParseKey(DataType type, absl::string_view text, std::string* key);

// The value as Python's str() writes it: True, 1, 1.0, 1e-05, text.
std::string KeyText(DataType type, absl::string_view key);

// A double as Python's str() writes it.
std::string PythonFloat(double value);

}  // namespace troupe::preprocessor
