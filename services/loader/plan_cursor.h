// Cursors come back from outside: they are checked before they are followed.
//
// Thread safety: functions without state.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "troupe/v1/loader.pb.h"
#include "troupe/v1/plan_cursor.pb.h"

namespace troupe::loader {

// The cursor of a page after the first. BAD_MESSAGE unless it is one that this
// loader could have made for such a request.
absl::StatusOr<pb::PlanCursor> ParseCursor(const pb::PlanRequest& request);

std::vector<std::string> ColumnsOf(const pb::PlanCursor& cursor);

}  // namespace troupe::loader
