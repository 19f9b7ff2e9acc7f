// Works on the values of number columns in their own buffers.
//
// Thread safety: functions without state.
#pragma once

#include <cmath>
#include <string>
#include <utility>

#include "absl/types/span.h"
#include "services/preprocessor/row_rejects.h"
#include "services/table/table.h"

namespace troupe::preprocessor {

// A number or bool column as FLOAT64; its buffers where it is one already.
Column ToDoubles(Column column);

// A FLOAT64 column of these values; none may be NaN.
Column DenseDoubles(std::string values, int64_t rows);

// Applies `change` to each value of a number or bool column. NaN must stay NaN,
// and no other value may become NaN.
template <typename Change>
Column MapDoubles(Column column, Change change) {
  column = ToDoubles(std::move(column));
  const int64_t rows = column.rows();
  const int64_t null_count = column.null_count();
  std::string validity = column.TakeValidity();
  std::string buffer = column.TakeValues();
  auto* const values = reinterpret_cast<double*>(buffer.data());
  for (int64_t i = 0; i < rows; ++i) values[i] = change(values[i]);
  return Column::FromBuffers(pb::FLOAT64, rows, null_count, std::move(validity),
                             "", std::move(buffer));
}

// Rejects rows of a FLOAT64 column that hold an infinity (INFINITE_VALUE).
void RejectInfinities(const Column& column, absl::string_view name,
                      RowRejects& rejects);

}  // namespace troupe::preprocessor
