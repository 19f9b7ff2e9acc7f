// Joins tables of the same form, one after the other.
//
// Thread safety: a function without state.
#pragma once

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "services/table/table.h"

namespace troupe {

// The rows of all `tables`, in order, with their ordinals. BAD_TABLE where
// schemas or features differ, ordinals do not rise, a column has more text than
// its offsets can count, or there is no table.
absl::StatusOr<Table> ConcatTables(absl::Span<const Table> tables);

}  // namespace troupe
