// Tables to bytes and back. The only place that trusts nobody: every table that
// arrives is checked here before anyone reads it.
//
// Thread safety: functions without state.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/table/serialize.h"
#include "services/table/table.h"

namespace troupe {

// The serialized troupe.v1.Table. Consumes the table: its buffers are moved.
// RESOURCE_EXHAUSTED (MESSAGE_TOO_LARGE) when it has more than `max_bytes`
// bytes.
absl::StatusOr<std::string> SerializeTable(
    Table table, size_t max_bytes = kMaxSerializedBytes);

// Parses and validates: at most kMaxTableRows rows, sizes by checked
// arithmetic, bitmap lengths and counts, monotone offsets, indices in range,
// UTF-8, unique names, one column per field. Returns BAD_TABLE
// (INVALID_ARGUMENT) with what is wrong. Never reads out of bounds, whatever
// the bytes.
absl::StatusOr<Table> ParseTable(const std::string& bytes);

}  // namespace troupe
