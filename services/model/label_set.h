// A LabelSet is the classes of a model, each named as it was first written, in
// order: text by bytes, numbers by value, False before True. Spellings of one
// value (1, 01, 1.0) are one class.
//
// Thread safety: a LabelSet is immutable; a LabelCollector belongs to one
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/table/table.h"

namespace troupe::model {

class LabelSet {
 public:
  LabelSet() = default;

  // Checks that these are rising labels of `type`; otherwise ARTIFACT_CORRUPT.
  // `values` are those of numbers and bools; where empty, `names` are read as
  // pandas writes values of the type.
  static absl::StatusOr<LabelSet> FromNames(DataType type,
                                            std::vector<std::string> names,
                                            std::vector<int64_t> values);

  DataType type() const { return type_; }
  int size() const { return static_cast<int>(names_.size()); }
  const std::vector<std::string>& names() const { return names_; }
  // One per name unless type() is STRING.
  const std::vector<int64_t>& values() const { return numbers_; }

  // The type of Decode's column: type() where the names are what is written of
  // such values anyway. Otherwise JSON (a number or bool that JSON can spell
  // so, or else a string).
  DataType column_type() const { return column_type_; }

  // The class of every row: -1 where it is missing, -2 where it is none of
  // these.
  std::vector<int> Encode(const Column& column) const;

  // The column that has these labels, one class number per row.
  Column Decode(const std::vector<int>& classes) const;

 private:
  Column DecodeText(const std::vector<int>& classes) const;

  DataType type_ = pb::DATA_TYPE_UNSPECIFIED;
  DataType column_type_ = pb::DATA_TYPE_UNSPECIFIED;
  std::vector<std::string> names_;
  std::vector<int64_t> numbers_;  // Unless STRING.
  absl::flat_hash_map<std::string, int> texts_;
  absl::flat_hash_map<int64_t, int> values_;
};

// The label in a row that has one, as a person reads it. Labels of one value
// are one text.
std::string LabelText(const Column& column, int64_t i);

// `label "a"`, or `labels "a", "b" and 3 more`: the first ten in quotes.
std::string NameLabels(const std::vector<std::string>& labels);

// Finds the labels while rows arrive. Classes are numbered as they appear;
// Finish tells the order.
class LabelCollector {
 public:
  explicit LabelCollector(DataType type) : type_(type) {}

  // The class of row `i`, new ones included; the row is present. `text`, unless
  // null, holds the same rows as they were written. INVALID_ARGUMENT
  // (TARGET_NOT_A_LABEL) for a fraction or a text of more than 4,096 bytes,
  // (TOO_MANY_LABELS) beyond `limit` different ones.
  absl::StatusOr<int> Add(const Column& column, int64_t i, const Column* text,
                          int limit);

  int size() const { return static_cast<int>(names_.size()); }

  // The sorted set; `order[c]` is the place in it of the class that appeared as
  // number c.
  absl::StatusOr<LabelSet> Finish(std::vector<int>& order) const;

 private:
  const DataType type_;
  std::vector<std::string> names_;  // By number of appearance.
  absl::flat_hash_map<std::string, int> texts_;
  absl::flat_hash_map<int64_t, int> numbers_;
};

}  // namespace troupe::model
