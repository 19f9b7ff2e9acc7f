// A Table is rows by named, typed columns, and beside them the feature matrix
// once it exists. Buffers are those of the wire (proto/troupe/v1/table.proto):
// moving a column moves them, and nothing is copied.
//
// Thread safety: as for a struct: const use from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/pb.h"
#include "services/table/civil_time.h"
#include "troupe/v1/table.pb.h"

namespace troupe {

using DataType = pb::DataType;
using ColumnRole = pb::ColumnRole;

// "bool", "int64", "float64", "string", "json", "date", "timestamp".
absl::string_view TypeName(DataType type);
inline bool IsNumber(DataType type) {
  return type == pb::INT64 || type == pb::FLOAT64;
}
// Whether its values are text: offsets, perhaps a dictionary.
inline bool IsText(DataType type) {
  return type == pb::STRING || type == pb::JSON;
}
// Whether a file's column can be declared to be of that type.
inline bool IsFileType(DataType type) {
  return (type >= pb::BOOL && type <= pb::STRING) || IsTime(type);
}

// What a bitmap of one bit a row takes.
inline size_t BitmapBytes(int64_t rows) {
  return static_cast<size_t>((rows + 7) / 8);
}

// One column. Invariants (checked for foreign tables by ParseTable):
// validity is empty iff null_count is 0; buffers are as long as `rows` demands;
// FLOAT64 slots are NaN if and only if they are null; text offsets are
// monotone, indices of present rows in range; text is UTF-8.
class Column {
 public:
  Column() = default;

  DataType type() const { return type_; }
  int64_t rows() const { return rows_; }
  int64_t null_count() const { return null_count_; }

  // Whether row `i` has no value. In a FLOAT64 column these are exactly the
  // NaN.
  bool IsNull(int64_t i) const {
    return null_count_ > 0 && ((static_cast<unsigned char>(
                                    validity_[static_cast<size_t>(i >> 3)]) >>
                                (i & 7)) &
                               1) == 0;
  }

  // The raw values. The type must fit.
  absl::Span<const double> doubles() const {
    return {reinterpret_cast<const double*>(values_.data()),
            static_cast<size_t>(rows_)};
  }
  // Also of DATE and TIMESTAMP.
  absl::Span<const int64_t> int64s() const {
    return {reinterpret_cast<const int64_t*>(values_.data()),
            static_cast<size_t>(rows_)};
  }
  bool boolean(int64_t i) const {
    return ((static_cast<unsigned char>(values_[static_cast<size_t>(i >> 3)]) >>
             (i & 7)) &
            1) != 0;
  }
  // "" for a null.
  absl::string_view text(int64_t i) const;
  // STRING only. The texts of all rows (with a dictionary: of all entries) one
  // behind the other.
  absl::string_view all_text() const {
    return dictionary_encoded_ ? dictionary_ : values_;
  }
  // STRING only. Where each begins in it, and where the last one ends.
  absl::Span<const int32_t> text_offsets() const {
    return {reinterpret_cast<const int32_t*>(offsets_.data()),
            offsets_.size() / sizeof(int32_t)};
  }

  // A number, bool or int as a double; NaN for a null. Not for text.
  double AsDouble(int64_t i) const;

  // Text only. Whether rows are int32 codes into a dictionary.
  bool dictionary_encoded() const { return dictionary_encoded_; }
  absl::Span<const int32_t> codes() const {
    return {reinterpret_cast<const int32_t*>(values_.data()),
            static_cast<size_t>(rows_)};
  }
  int64_t dictionary_size() const;
  absl::string_view dictionary_text(int64_t code) const;

  // Only these rows, in this order; each in [0, rows).
  Column Select(absl::Span<const int64_t> rows) const;
  // Rows begin <= i < end.
  Column Slice(int64_t begin, int64_t end) const;

  // Give a buffer away, to be changed and handed to FromBuffers. The column is
  // not to be used afterwards.
  std::string TakeValues() { return std::move(values_); }
  std::string TakeValidity() { return std::move(validity_); }

  // Takes buffers that fulfil the invariants (see ColumnBuilder).
  static Column FromDoubles(std::vector<double> values);  // NaN becomes null.
  static Column FromBuffers(DataType type, int64_t rows, int64_t null_count,
                            std::string validity, std::string offsets,
                            std::string values, std::string dictionary = "",
                            bool dictionary_encoded = false);

 private:
  friend class TableWire;

  DataType type_ = pb::FLOAT64;
  int64_t rows_ = 0;
  int64_t null_count_ = 0;
  std::string validity_;
  std::string offsets_;
  std::string values_;
  std::string dictionary_;
  bool dictionary_encoded_ = false;
};

// A dense row-major matrix of FLOAT32 or FLOAT64; NaN is missing.
struct DenseMatrix {
  int64_t rows = 0;
  DataType type = pb::FLOAT32;
  std::vector<std::string> names;  // One per column.
  std::string values;              // rows * names.size() values.

  int64_t cols() const { return static_cast<int64_t>(names.size()); }
  const float* floats() const {
    return reinterpret_cast<const float*>(values.data());
  }
  const double* doubles() const {
    return reinterpret_cast<const double*>(values.data());
  }
};

struct Field {
  std::string name;
  DataType type = pb::FLOAT64;
  ColumnRole role = pb::FEATURE;

  bool operator==(const Field&) const = default;
};

// Fields with unique names, in order.
using Schema = std::vector<Field>;

pb::Schema ToProto(const Schema& schema);
// Returns BAD_TABLE for duplicate or empty names and for unknown types, and for
// JSON anywhere but in a CARRY or OUTPUT column.
absl::StatusOr<Schema> FromProto(const pb::Schema& proto);

// The position of `name`, or -1.
int FindField(const Schema& schema, absl::string_view name);

// The position of the first column with that role, or -1.
int FindRole(const Schema& schema, ColumnRole role);

// What a table may have. A table without columns has no byte that its rows
// could be checked against, and a column of bools one for eight rows: readers
// take memory by the row.
inline constexpr int64_t kMaxTableRows = int64_t{1} << 22;

struct Table {
  int64_t rows = 0;
  int64_t first_row = 0;         // Ordinal of row 0 when row_ids is empty.
  std::vector<int64_t> row_ids;  // Otherwise one ordinal per row, rising.
  Schema schema;
  std::vector<Column> columns;  // One per field.
  std::optional<DenseMatrix> features;

  // The ordinal of row `i` in the whole input.
  int64_t Ordinal(int64_t i) const {
    return row_ids.empty() ? first_row + i : row_ids[static_cast<size_t>(i)];
  }
  // Only these rows (rising, each in [0, rows)), of columns and features.
  Table Select(absl::Span<const int64_t> wanted) const;
  Table Slice(int64_t begin, int64_t end) const;
};

}  // namespace troupe
