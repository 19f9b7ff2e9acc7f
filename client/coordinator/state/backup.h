// A backup is a copy of the state directory, taken while the coordinator works:
// the database as of one instant, and the files that it names.
//
//   DIR/troupe.db, troupe.mark, output/, artifacts/, uploads/
//   DIR/backup.sha256     one line per file, as sha256sum -c reads it
//
// `troupe restore` checks it and makes a state directory of it.
//
// Thread safety: any thread, one backup at a time for each directory.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "client/coordinator/state/database.h"

namespace troupe {

// Makes `directory`, which must not exist, durably, or nothing. Garbage is not
// removed meanwhile. FAILED_PRECONDITION (BACKUP_EXISTS), DISK_FULL,
// STORAGE_FAILED.
absl::Status WriteBackup(Database& database, const std::string& directory);

}  // namespace troupe
