// A strict reader of UBJSON, the binary JSON in which XGBoost stores models:
// enough of it to check a model before XGBoost sees it. Values point into the
// bytes that were parsed.
//
// Thread safety: as for plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace troupe::model {

struct UbjValue {
  enum class Kind {
    kNull,
    kBool,
    kInteger,
    kReal,
    kText,
    kArray,   // `items`
    kPacked,  // Numbers of one type: `text` are `count` values of `type`.
    kObject,  // `items` by `names`
  };

  Kind kind = Kind::kNull;
  char type = 0;           // The marker in the bytes.
  int64_t integer = 0;     // kInteger, kBool.
  double real = 0;         // kReal.
  int64_t count = 0;       // kPacked, kArray.
  absl::string_view text;  // kText, kPacked. For kText, a part of the bytes.
  std::vector<UbjValue> items;
  std::vector<absl::string_view> names;  // kObject: one per item.

  // The member of that name, or nullptr.
  const UbjValue* Find(absl::string_view name) const;
  // Entry `i` of a kPacked of whole numbers, or of a kArray of kInteger.
  // `i` in [0, count).
  int64_t IntegerAt(int64_t i) const;
  // Entry `i` of a kPacked of numbers that are not whole. `i` in [0, count).
  double RealAt(int64_t i) const;
  // Whether it is an array of whole numbers.
  bool IsIntegers() const;
};

// Parses the whole of `bytes`, which must outlive the result. Never reads past
// them, nests at most 64 deep, and takes at most some 15 times the memory of
// the bytes: there is at most one value for 16 bytes, and 4,096 more.
// INVALID_ARGUMENT (ARTIFACT_CORRUPT).
absl::StatusOr<UbjValue> ParseUbjson(absl::string_view bytes);

}  // namespace troupe::model
