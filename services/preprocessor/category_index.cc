#include "services/preprocessor/category_index.h"

#include "services/preprocessor/category_key.h"

namespace troupe::preprocessor {
namespace {

// Any value but text as an integer.
uint64_t ValueBits(const Column& column, int64_t row) {
  if (column.type() == pb::INT64)
    return static_cast<uint64_t>(column.int64s()[static_cast<size_t>(row)]);
  return OrderedBits(column.AsDouble(row));
}

uint64_t KeyBits(DataType type, absl::string_view key) {
  if (type == pb::INT64) return static_cast<uint64_t>(Int64OfKey(key));
  return OrderedBits(type == pb::BOOL ? (key[0] == '\0' ? 0.0 : 1.0)
                                      : DoubleOfKey(key));
}

}  // namespace

CategoryIndex::CategoryIndex(DataType type,
                             const std::vector<std::string>& keys)
    : type_(type) {
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto place = static_cast<int32_t>(i);
    if (type_ == pb::STRING) {
      texts_.emplace(keys[i], place);
    } else {
      values_.emplace(KeyBits(type_, keys[i]), place);
    }
  }
}

int32_t CategoryIndex::Find(uint64_t value) const {
  const auto found = values_.find(value);
  return found == values_.end() ? kUnknown : found->second;
}

int32_t CategoryIndex::Find(absl::string_view text) const {
  const auto found = texts_.find(text);
  return found == texts_.end() ? kUnknown : found->second;
}

std::vector<int32_t> CategoryIndex::Lookup(const Column& column) const {
  const auto rows = static_cast<size_t>(column.rows());
  std::vector<int32_t> places(rows);
  // A dictionary is looked up entry by entry, not row by row. (It may have more
  // entries than rows.)
  std::vector<int32_t> by_code;
  const bool coded = type_ == pb::STRING && column.dictionary_encoded() &&
                     column.dictionary_size() <= column.rows();
  if (coded)
    for (int64_t code = 0; code < column.dictionary_size(); ++code)
      by_code.push_back(Find(column.dictionary_text(code)));
  for (size_t i = 0; i < rows; ++i) {
    const auto row = static_cast<int64_t>(i);
    places[i] = column.IsNull(row) ? kMissing
                : coded ? by_code[static_cast<size_t>(column.codes()[i])]
                : type_ == pb::STRING ? Find(column.text(row))
                                      : Find(ValueBits(column, row));
  }
  return places;
}

std::string ValueText(const Column& column, int64_t row) {
  if (column.IsNull(row)) return "";
  return KeyText(column.type(), KeyAt(column, row));
}

}  // namespace troupe::preprocessor
