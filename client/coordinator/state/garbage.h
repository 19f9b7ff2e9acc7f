// What the state directory holds and nobody needs any more. Only what the
// database knows to be garbage is ever removed: a transaction that forgets
// something records in the same breath which files go with it, so a start after
// a crash goes on removing them. What the database does not know is moved to
// lost+found/.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/coordinator/state/artifact_store.h"
#include "client/coordinator/state/database.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"
#include "troupe/v1/journal.pb.h"

namespace troupe {

// --- Within a transaction ----------------------------------------------------
// Artifacts that a step of a job needs (in place of what it needed before), and
// those of a version.
absl::Status UseArtifacts(Connection& connection, absl::string_view job,
                          absl::string_view step,
                          const pb::FinishedStep& content);
absl::Status UseArtifacts(Connection& connection, const pb::Pipeline& pipeline);
// A job, or a version (NAME@N), needs none any more.
absl::Status ReleaseArtifacts(Connection& connection, absl::string_view user);

// --- Outside -----------------------------------------------------------------
// Removes what was marked so far, a file at a time, with no lock held; nothing
// while a Database::Hold lives. Returns how many entries went.
absl::StatusOr<int64_t> CollectGarbage(Database& database);

// Removes artifacts that nobody needs, except those that were put and are not
// named yet. Jobs may run.
absl::Status CollectArtifacts(Database& database, const ArtifactStore& store);

// Moves what lies in output/, artifacts/ and uploads/ and is in no table to
// lost+found/, and logs it. Published output stays where it is, whoever made
// it, and so does what is not named as this program names things. Before
// anything new is written.
absl::Status RescueOrphans(Database& database);

}  // namespace troupe
