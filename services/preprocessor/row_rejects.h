// RowRejects collects the rows of one table that cannot be processed, and why:
// one reason per row, the first that was found.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "services/table/rejected_rows.h"
#include "services/table/table.h"

namespace troupe::preprocessor {

class RowRejects {
 public:
  // Row `row` of the table at hand, because of a value in `column`. `what` says
  // what is wrong, such as `is not a number`. `value` is quoted where given.
  void Add(int64_t row, absl::string_view reason, absl::string_view column,
           absl::string_view what, absl::string_view value = "");

  // Removes the rows added since the last call from `table`, and keeps their
  // ordinals and reasons.
  void RemoveFrom(Table& table);

  // All rows that were removed, by ordinal.
  RejectedRows Take();

 private:
  RejectedRows found_;  // By row of the table.
  absl::flat_hash_set<int64_t> marked_;
  RejectedRows removed_;  // By ordinal.
};

}  // namespace troupe::preprocessor
