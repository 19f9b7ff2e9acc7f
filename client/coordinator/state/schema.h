// The tables of the state database, and how those of earlier versions become
// today's.
//
// Thread safety: within one Database::Run.
#pragma once

#include "absl/status/status.h"
#include "client/coordinator/state/database.h"

namespace troupe {

// Makes or upgrades the tables, in one transaction. FAILED_PRECONDITION
// (STATE_TOO_NEW) when a newer coordinator wrote them; DATA_LOSS
// (JOURNAL_DAMAGED) when SQLite finds them inconsistent.
absl::Status UpgradeSchema(Database& database);

}  // namespace troupe
