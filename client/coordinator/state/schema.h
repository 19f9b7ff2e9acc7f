// The tables of the state database, and how those of earlier versions become
// today's.
//
// Thread safety: within one Database::Run.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/state/database.h"

namespace troupe {

// Makes or upgrades the tables, in one transaction. FAILED_PRECONDITION
// (STATE_TOO_NEW) when a newer coordinator wrote them; DATA_LOSS
// (JOURNAL_DAMAGED) when SQLite finds them inconsistent.
absl::Status UpgradeSchema(Database& database);

// Which tables are there: 0 for none yet.
absl::StatusOr<int64_t> SchemaVersion(Database& database);

// The store's id and its last commit, as the database says; nullopt before
// version 3.
absl::StatusOr<std::optional<Mark>> MarkInDatabase(Database& database);

}  // namespace troupe
