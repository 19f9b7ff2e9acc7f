// The rejected rows of a reply, as people read them.
#pragma once

#include <cstdlib>
#include <vector>

#include "services/table/rejected_rows.h"

namespace troupe {

template <typename Response>
std::vector<pb::RejectedRow> RejectedOf(const Response& response) {
  const absl::StatusOr<RejectedRows> rejected =
      RejectedRows::FromProto(response.rejected());
  if (!rejected.ok()) std::abort();
  std::vector<pb::RejectedRow> rows;
  for (int64_t i = 0; i < rejected->size(); ++i)
    rows.push_back(rejected->ToRow(i));
  return rows;
}

}  // namespace troupe
