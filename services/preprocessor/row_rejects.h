// RowRejects collects the rows of one table that cannot be processed, and why:
// one reason per row, the first that was found.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/table/table.h"
#include "troupe/v1/stage.pb.h"

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
  std::vector<pb::RejectedRow> Take();

 private:
  std::map<int64_t, pb::RejectedRow> found_;    // By row of the table.
  std::map<int64_t, pb::RejectedRow> removed_;  // By ordinal.
};

}  // namespace troupe::preprocessor
