// A CategoryIndex gives each row of a column the number of its category.
//
// Thread safety: immutable; const use from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "services/table/table.h"

namespace troupe::preprocessor {

class CategoryIndex {
 public:
  static constexpr int32_t kMissing = -1;
  static constexpr int32_t kUnknown = -2;

  // The keys must be valid for the type, and differ.
  CategoryIndex(DataType type, const std::vector<std::string>& keys);

  // The place among `keys` of every row's value, or one of the above.
  std::vector<int32_t> Lookup(const Column& column) const;

 private:
  int32_t Find(uint64_t value) const;
  int32_t Find(absl::string_view text) const;

  const DataType type_;
  absl::flat_hash_map<std::string, int32_t> texts_;  // STRING.
  absl::flat_hash_map<uint64_t, int32_t> values_;    // Other types.
};

// What a person reads of the value in a row.
std::string ValueText(const Column& column, int64_t row);

}  // namespace troupe::preprocessor
