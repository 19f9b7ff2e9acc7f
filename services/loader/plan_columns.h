// What a page of a plan says of the columns, and what must hold for them.
//
// Thread safety: functions without state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/loader/formats/dialect.h"
#include "troupe/v1/loader.pb.h"
#include "troupe/v1/plan_cursor.pb.h"

namespace troupe::loader {

// Takes the header of the file where `cursor` stands, found in `line`: keeps
// the first file's columns; later files must have the same (BAD_INPUT). JSON
// Lines has no header: its columns are pinned, or come with the records.
// UNKNOWN_COLUMN when the file lacks a pinned or a declared column.
absl::Status TakeColumns(const pb::PlanRequest& request, const Dialect& dialect,
                         std::vector<std::string> names, int64_t line,
                         pb::PlanCursor* cursor);

// Declared types must name columns (UNKNOWN_COLUMN). JSON Lines: known at the
// end only.
absl::Status CheckDeclared(const pb::PlanRequest& request,
                           const Dialect& dialect,
                           const pb::PlanCursor& cursor);

// Fills in `schema` and, where types are inferred, `missing`.
void DescribeColumns(const pb::PlanRequest& request,
                     const pb::PlanCursor& cursor, pb::PlanResponse* response);

}  // namespace troupe::loader
