// Makes the model's feature matrix out of feature columns.
//
// Thread safety: functions without state.
#pragma once

#include "absl/types/span.h"
#include "services/preprocessor/row_rejects.h"
#include "services/table/table.h"

namespace troupe::preprocessor {

// Rejects rows with a value that no FLOAT32 holds (INFINITE_VALUE).
void RejectOverflows(const Column& column, absl::string_view name,
                     RowRejects& rejects);

// The columns (numbers and bools, all of `rows` rows) as FLOAT32, row by row;
// NaN is missing.
DenseMatrix MakeMatrix(int64_t rows, absl::Span<const Field> fields,
                       absl::Span<const Column> columns);

}  // namespace troupe::preprocessor
