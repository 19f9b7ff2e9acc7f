#include "services/preprocessor/transforms/scaling.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"

namespace troupe::preprocessor {

absl::Status CheckScalable(const Field& column, absl::string_view path) {
  if (IsNumber(column.type) || column.type == pb::BOOL) return absl::OkStatus();
  return BadSpec(
      absl::StrCat(path, ".columns"),
      absl::StrCat("column \"", column.name, "\" is ", TypeName(column.type),
                   ", and this step works on numbers and bools; "
                   "select {type: number}, or cast it first"));
}

absl::Status CheckScaling(const Field& column, const pb::FittedColumn& fitted) {
  const pb::Scaling& scaling = fitted.scaling();
  if (!fitted.has_scaling() || std::isinf(scaling.center()) ||
      std::isinf(scaling.scale()) || scaling.scale() == 0 ||
      column.type == pb::STRING)
    return ArtifactCorrupt(
        absl::StrCat("no scaling for column \"", column.name, "\""));
  return absl::OkStatus();
}

Outputs ScaledOutputs(const Field& column) {
  Outputs outputs;
  outputs.in_place = {{column.name, pb::FLOAT64, column.role}};
  return outputs;
}

void WarnOfColumn(const Field& column, const Summary& summary, bool constant,
                  absl::string_view path, std::vector<std::string>& warnings) {
  if (summary.present() == 0) {
    warnings.push_back(
        absl::StrCat(path, ": column \"", column.name,
                     "\" had no value while fitting; every value "
                     "of it becomes missing"));
  } else if (constant) {
    warnings.push_back(absl::StrCat(path, ": column \"", column.name,
                                    "\" was constant while fitting"));
  }
}

}  // namespace troupe::preprocessor
