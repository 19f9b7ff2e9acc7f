// A LabelSet is the sorted class names of a model, in the type and form in
// which they were written: text by bytes, numbers by value, False before True.
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

  // Checks that `names` are rising labels of `type`; otherwise
  // ARTIFACT_CORRUPT.
  static absl::StatusOr<LabelSet> FromNames(DataType type,
                                            std::vector<std::string> names);

  DataType type() const { return type_; }
  int size() const { return static_cast<int>(names_.size()); }
  const std::vector<std::string>& names() const { return names_; }

  // The class of every row: -1 where it is missing, -2 where it is none of
  // these.
  std::vector<int> Encode(const Column& column) const;

  // The column that has these labels, one class number per row.
  Column Decode(const std::vector<int>& classes) const;

 private:
  Column DecodeText(const std::vector<int>& classes) const;

  DataType type_ = pb::DATA_TYPE_UNSPECIFIED;
  std::vector<std::string> names_;
  std::vector<int64_t> numbers_;  // Unless STRING.
  absl::flat_hash_map<std::string, int> texts_;
  absl::flat_hash_map<int64_t, int> values_;
};

// Finds the labels while rows arrive. Classes are numbered as they appear;
// Finish tells the order.
class LabelCollector {
 public:
  explicit LabelCollector(DataType type) : type_(type) {}

  // The class of row `i`, new ones included; the row is present.
  // INVALID_ARGUMENT (TARGET_NOT_A_LABEL) for a fraction, (TOO_MANY_LABELS)
  // beyond `limit` different ones.
  absl::StatusOr<int> Add(const Column& column, int64_t i, int limit);

  int size() const;

  // The sorted set; `order[c]` is the place in it of the class that appeared as
  // number c.
  absl::StatusOr<LabelSet> Finish(std::vector<int>& order) const;

 private:
  const DataType type_;
  absl::flat_hash_map<std::string, int> texts_;
  absl::flat_hash_map<int64_t, int> numbers_;
};

}  // namespace troupe::model
