// Replies in form LINES (proto/troupe/v1/stage.proto): the table that a stage
// or the loader answers becomes lines here, in its own process.
//
// Thread safety: functions without state.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/base/status_macros.h"
#include "services/table/table.h"
#include "services/table/wire.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

// The rows as lines. INTERNAL when the table has other columns than `form`
// says; RESOURCE_EXHAUSTED (TEXT_TOO_LARGE).
absl::StatusOr<std::string> Render(const pb::TextForm& form,
                                   const Table& table);

// `bytes` are at least in the text.
absl::Status TextTooLarge(int64_t bytes, int64_t max_bytes);

// Puts the rows of `response` in the place of its table, unless they are there.
// INTERNAL when the table has another number of rows than the response says.
template <typename Response>
absl::Status RenderReply(const pb::TextForm& form, Response& response) {
  if (response.form() == pb::LINES) return absl::OkStatus();
  response.set_form(pb::LINES);
  if (response.rows() == 0) {
    response.clear_table();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Table table, ParseTable(response.table()));
  response.clear_table();
  if (table.rows != response.rows())
    return absl::InternalError("the table has other rows than were counted");
  ASSIGN_OR_RETURN(*response.mutable_table(), Render(form, table));
  return absl::OkStatus();
}

// Puts `table` into `response`. A stage may call it in place of SerializeTable:
// rows that are wanted as text are rendered at once, and not serialized first.
absl::Status SetTable(const pb::ProcessRequest& request, Table table,
                      pb::ProcessResponse& response);

}  // namespace troupe
