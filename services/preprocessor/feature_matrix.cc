#include "services/preprocessor/feature_matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "services/preprocessor/numeric_column.h"

namespace troupe::preprocessor {
namespace {

// The written rows of one block stay in the first-level cache.
constexpr int64_t kBlockBytes = 16 << 10;

// Writes rows [begin, end) of one column, `stride` floats apart. Every number
// becomes a double first, as Column::AsDouble has it: an INT64 that is rounded
// once would be another float than one that is rounded twice.
template <typename T>
void Scatter(const T* values, int64_t begin, int64_t end, size_t stride,
             float* out) {
  for (int64_t i = begin; i < end; ++i, out += stride)
    *out = static_cast<float>(static_cast<double>(values[i]));
}

void ScatterColumn(const Column& column, int64_t begin, int64_t end,
                   size_t stride, float* out) {
  if (column.type() == pb::FLOAT64) {
    Scatter(column.doubles().data(), begin, end, stride, out);
  } else if (column.type() == pb::INT64 && column.null_count() == 0) {
    Scatter(column.int64s().data(), begin, end, stride, out);
  } else {
    for (int64_t i = begin; i < end; ++i, out += stride)
      *out = static_cast<float>(column.AsDouble(i));
  }
}

}  // namespace

void RejectOverflows(const Column& column, absl::string_view name,
                     RowRejects& rejects) {
  RejectInfinities(column, name, rejects);
  if (column.type() != pb::FLOAT64) return;
  const absl::Span<const double> values = column.doubles();
  constexpr double kMax = std::numeric_limits<float>::max();
  bool any = false;
  for (const double value : values) any |= std::fabs(value) > kMax;
  if (!any) return;
  for (size_t i = 0; i < values.size(); ++i)
    if (std::fabs(values[i]) > kMax)
      rejects.Add(static_cast<int64_t>(i), "INFINITE_VALUE", name,
                  "the value is too large for a feature");
}

DenseMatrix MakeMatrix(int64_t rows, absl::Span<const Field> fields,
                       absl::Span<const Column> columns) {
  DenseMatrix matrix;
  matrix.rows = rows;
  for (const Field& field : fields) matrix.names.push_back(field.name);
  const size_t width = columns.size();
  matrix.values.resize(static_cast<size_t>(rows) * width * sizeof(float));
  auto* const out = reinterpret_cast<float*>(matrix.values.data());
  const int64_t block = std::max<int64_t>(
      16, kBlockBytes /
              static_cast<int64_t>(std::max<size_t>(1, width) * sizeof(float)));
  for (int64_t begin = 0; begin < rows; begin += block) {
    const int64_t end = std::min(rows, begin + block);
    for (size_t i = 0; i < width; ++i)
      ScatterColumn(columns[i], begin, end, width,
                    out + static_cast<size_t>(begin) * width + i);
  }
  return matrix;
}

}  // namespace troupe::preprocessor
