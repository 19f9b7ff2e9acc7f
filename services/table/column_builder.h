// A ColumnBuilder collects the values of one column, row by row.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "services/table/table.h"

namespace troupe {

class ColumnBuilder {
 public:
  explicit ColumnBuilder(DataType type);

  // The method must fit the type; AppendDouble(NaN) is AppendNull.
  void AppendNull();
  void AppendBool(bool value);
  void AppendInt64(int64_t value);  // Also to DATE and TIMESTAMP.
  void AppendDouble(double value);
  // `value` must be valid UTF-8. Repeated strings are kept once
  // (dictionary-encoded) as long as that is smaller.
  void AppendText(absl::string_view value);

  // Appends `count` rows, at most 64: row i has values[i] where bit i of
  // `valid` is set, and is null elsewhere. None of the values is NaN.
  void AppendDoubles(const double* values, uint64_t valid, int count);
  void AppendInt64s(const int64_t* values, uint64_t valid, int count);

  int64_t rows() const { return rows_; }
  // Removes the last row.
  void PopBack();

  // Returns the column and starts anew.
  Column Finish();

 private:
  void AppendValidity(bool valid);
  void AppendValidities(uint64_t valid, int count);
  void FillValidity();
  void DropDictionary();

  DataType type_;
  int64_t rows_ = 0;
  int64_t null_count_ = 0;
  std::string validity_;
  std::string values_;  // BOOL: bits; text: int32 codes; otherwise values.
  // Text: the entries in order of appearance while dictionary-encoded, then
  // the rows.
  bool dictionary_encoded_ = true;
  std::vector<int32_t> offsets_;
  std::string text_;
  absl::flat_hash_map<std::string, int32_t> codes_;
};

}  // namespace troupe
