// The table of a request.
//
// Thread safety: functions without state.
#pragma once

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/wire.h"

namespace troupe {

// The table of a ProcessRequest or ObserveRequest, or the rows of it that are
// asked for. Takes both out of the request, so that only one form is in memory.
// BAD_TABLE; BAD_MESSAGE where the table does not have those rows.
template <typename Request>
absl::StatusOr<Table> TakeTable(Request& request) {
  ASSIGN_OR_RETURN(Table table, ParseTable(request.table()));
  std::string().swap(*request.mutable_table());
  if (!request.has_rows()) return table;
  const int64_t begin = request.rows().begin();
  const int64_t end = request.rows().end();
  request.clear_rows();
  if (begin < 0 || begin > end || end > table.rows)
    return BadMessage(absl::StrCat("rows ", begin, " to ", end,
                                   " of a table of ", table.rows, " rows"));
  return table.Slice(begin, end);
}

}  // namespace troupe
