// A column moved and scaled: what standardize, min_max and robust end in.
//
// Thread safety: immutable; const use from any thread.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "services/preprocessor/numeric_column.h"
#include "services/preprocessor/transform.h"

namespace troupe::preprocessor {

// Refuses columns that are neither numbers nor bools.
absl::Status CheckScalable(const Field& column, absl::string_view path);

// Checks a fitted scaling of `column`: ARTIFACT_CORRUPT where it is none.
absl::Status CheckScaling(const Field& column, const pb::FittedColumn& fitted);

// What becomes of a column that is scaled.
Outputs ScaledOutputs(const Field& column);

// Tells the user of a column that scaling cannot help.
void WarnOfColumn(const Field& column, const Summary& summary, bool constant,
                  absl::string_view path, std::vector<std::string>& warnings);

// `Change` maps one double to one double.
template <typename Change>
class ScaledColumn : public ColumnTransform {
 public:
  ScaledColumn(Field column, Change change)
      : column_(std::move(column)), change_(std::move(change)) {}

  Outputs outputs() const override { return ScaledOutputs(column_); }
  std::vector<Column> Apply(Column column, RowRejects&) const override {
    std::vector<Column> made;
    made.push_back(MapDoubles(std::move(column), change_));
    return made;
  }

 private:
  const Field column_;
  const Change change_;
};

template <typename Change>
std::unique_ptr<const ColumnTransform> MakeScaled(const Field& column,
                                                  Change change) {
  return std::make_unique<const ScaledColumn<Change>>(column,
                                                      std::move(change));
}

}  // namespace troupe::preprocessor
