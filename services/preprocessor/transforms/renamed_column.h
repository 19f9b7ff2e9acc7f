// Columns whose values nobody looks at: kept under a name, or removed.
//
// Thread safety: immutable; const use from any thread.
#pragma once

#include <utility>
#include <vector>

#include "services/preprocessor/transform.h"

namespace troupe::preprocessor {

class RenamedColumn : public ColumnTransform {
 public:
  explicit RenamedColumn(Field output) : output_(std::move(output)) {}

  Outputs outputs() const override {
    Outputs outputs;
    outputs.in_place = {output_};
    return outputs;
  }
  std::vector<Column> Apply(Column column, RowRejects&) const override {
    std::vector<Column> made;
    made.push_back(std::move(column));
    return made;
  }

 private:
  const Field output_;
};

class RemovedColumn : public ColumnTransform {
 public:
  Outputs outputs() const override { return {}; }
  std::vector<Column> Apply(Column, RowRejects&) const override { return {}; }
};

}  // namespace troupe::preprocessor
