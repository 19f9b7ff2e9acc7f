#include "services/preprocessor/numeric_column.h"

#include <limits>

namespace troupe::preprocessor {

Column ToDoubles(Column column) {
  if (column.type() == pb::FLOAT64) return column;
  const int64_t rows = column.rows();
  std::string buffer(static_cast<size_t>(rows) * sizeof(double), '\0');
  auto* const values = reinterpret_cast<double*>(buffer.data());
  if (column.type() == pb::INT64) {
    const absl::Span<const int64_t> whole = column.int64s();
    for (int64_t i = 0; i < rows; ++i)
      values[i] = static_cast<double>(whole[static_cast<size_t>(i)]);
  } else {
    for (int64_t i = 0; i < rows; ++i) values[i] = column.boolean(i) ? 1 : 0;
  }
  const int64_t null_count = column.null_count();
  if (null_count > 0)
    for (int64_t i = 0; i < rows; ++i)
      if (column.IsNull(i))
        values[i] = std::numeric_limits<double>::quiet_NaN();
  return Column::FromBuffers(pb::FLOAT64, rows, null_count,
                             column.TakeValidity(), "", std::move(buffer));
}

Column DenseDoubles(std::string values, int64_t rows) {
  return Column::FromBuffers(pb::FLOAT64, rows, 0, "", "", std::move(values));
}

void RejectInfinities(const Column& column, absl::string_view name,
                      RowRejects& rejects) {
  if (column.type() != pb::FLOAT64) return;
  const absl::Span<const double> values = column.doubles();
  // One vectorized look: nearly always there is none.
  constexpr double kMax = std::numeric_limits<double>::max();
  bool any = false;
  for (const double value : values) any |= std::fabs(value) > kMax;
  if (!any) return;
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isinf(values[i]))
      rejects.Add(static_cast<int64_t>(i), "INFINITE_VALUE", name,
                  "infinity is not a usable value");
}

}  // namespace troupe::preprocessor
