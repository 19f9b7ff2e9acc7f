#include "services/model/feature_binding.h"

#include <cstring>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/nearest.h"
#include "services/base/status_macros.h"

namespace troupe::model {
namespace {

// The column of `matrix` for each of `wanted`.
absl::StatusOr<std::vector<size_t>> FindColumns(
    const DenseMatrix& matrix, const std::vector<std::string>& wanted) {
  absl::flat_hash_map<absl::string_view, size_t> places;
  for (size_t i = 0; i < matrix.names.size(); ++i)
    places.emplace(matrix.names[i], i);
  std::vector<size_t> columns;
  for (const std::string& name : wanted) {
    const auto found = places.find(name);
    if (found == places.end())
      return MakeError(absl::StatusCode::kInvalidArgument, "MISSING_FEATURE",
                       absl::StrCat("the model needs the feature \"", name,
                                    "\", which the table does not have",
                                    DidYouMean(name, matrix.names)),
                       {{"column", name}});
    columns.push_back(found->second);
  }
  return columns;
}

}  // namespace

absl::StatusOr<DenseMatrix> BindFeatures(
    Table& table, const std::vector<std::string>& wanted) {
  if (!table.features.has_value()) {
    // A model of no features (the baseline) needs none.
    if (!wanted.empty()) return BadTable("it has no features");
    DenseMatrix none;
    none.rows = table.rows;
    return none;
  }
  DenseMatrix matrix = *std::move(table.features);
  table.features.reset();
  if (matrix.type == pb::FLOAT32 && matrix.names == wanted) return matrix;
  ASSIGN_OR_RETURN(const std::vector<size_t> columns,
                   FindColumns(matrix, wanted));
  DenseMatrix bound;
  bound.rows = matrix.rows;
  bound.names = wanted;
  const size_t rows = static_cast<size_t>(matrix.rows);
  bound.values.resize(rows * wanted.size() * sizeof(float));
  char* out = bound.values.data();
  for (size_t r = 0; r < rows; ++r) {
    for (const size_t column : columns) {
      const size_t cell = r * matrix.names.size() + column;
      const float value = matrix.type == pb::FLOAT32
                              ? matrix.floats()[cell]
                              : static_cast<float>(matrix.doubles()[cell]);
      std::memcpy(out, &value, sizeof(value));
      out += sizeof(value);
    }
  }
  return bound;
}

}  // namespace troupe::model
