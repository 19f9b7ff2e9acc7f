#include "client/coordinator/state/schema.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "client/coordinator/state/garbage.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr int kVersion = 4;

// Blobs are sealed (Statement::BindSealed). `ended` is 0 for jobs that a start
// takes up again.
constexpr char kTables[] = R"sql(
CREATE TABLE starts (epoch INTEGER PRIMARY KEY);
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL,
  request_id TEXT NOT NULL, kind INTEGER NOT NULL, request BLOB NOT NULL,
  state INTEGER NOT NULL, ended INTEGER NOT NULL, job BLOB NOT NULL,
  end_time INTEGER NOT NULL, epoch INTEGER NOT NULL);
CREATE UNIQUE INDEX jobs_by_request ON jobs (request_id)
  WHERE request_id <> '';
CREATE TABLE pipelines (
  name TEXT NOT NULL, version INTEGER NOT NULL, pipeline BLOB NOT NULL,
  job TEXT NOT NULL, PRIMARY KEY (name, version));
CREATE TABLE pipeline_versions (name TEXT PRIMARY KEY, last INTEGER NOT NULL);
)sql";

// One row per batch, from before its dispatch on; one per job for the plan; one
// per finished step; events.
constexpr char kJournal[] = R"sql(
CREATE TABLE batches (
  job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  number INTEGER NOT NULL, committed INTEGER NOT NULL, batch BLOB NOT NULL,
  PRIMARY KEY (job, number)) WITHOUT ROWID;
CREATE TABLE plans (
  job TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
  plan BLOB NOT NULL);
CREATE TABLE steps (
  job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  step TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (job, step));
CREATE TABLE events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  event BLOB NOT NULL);
CREATE INDEX events_by_job ON events (job, number);
)sql";

// Which store this is, its last commit, and the seconds that it has lived: one
// row. Jobs and uploads remember by this time when they ended or were made;
// earlier versions took the clock's, so all begin anew.
constexpr char kStore[] = R"sql(
CREATE TABLE store (
  id TEXT NOT NULL, sequence INTEGER NOT NULL, lived INTEGER NOT NULL);
INSERT INTO store VALUES (lower(hex(randomblob(12))), 0, 0);
ALTER TABLE jobs RENAME COLUMN end_time TO ended_at;
UPDATE jobs SET ended_at = 0;
CREATE INDEX jobs_by_end ON jobs (ended, ended_at);
CREATE INDEX jobs_by_age ON jobs (ended, number);
)sql";

// What of a plan grows with its files: a loader's cursor, in pieces, and what
// each page told of the files that ended in it.
constexpr char kPlans[] = R"sql(
CREATE TABLE plan_cursors (
  job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  number INTEGER NOT NULL, piece BLOB NOT NULL,
  PRIMARY KEY (job, number));
CREATE TABLE plan_digests (
  job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  number INTEGER NOT NULL, page BLOB NOT NULL,
  PRIMARY KEY (job, number));
)sql";

// What the database knows to be no longer needed, and has still to remove:
// files and directories by their path below the state directory. And the
// artifacts that it ever named, with who names each of them: a job's step, or a
// version.
constexpr char kGarbage[] = R"sql(
CREATE TABLE garbage (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE artifacts (sha256 TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE artifact_uses (
  user TEXT NOT NULL, step TEXT NOT NULL, sha256 TEXT NOT NULL,
  PRIMARY KEY (user, step, sha256)) WITHOUT ROWID;
CREATE INDEX artifact_uses_by_sha256 ON artifact_uses (sha256);
)sql";

// Every move of a label, the last of which counts; version 0: it was taken
// away.
constexpr char kLabels[] = R"sql(
CREATE TABLE labels (
  number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
  label TEXT NOT NULL, version INTEGER NOT NULL, time INTEGER NOT NULL);
CREATE INDEX labels_by_name ON labels (name, label, number);
)sql";

// Uploads were in earlier versions, too, and before that with one job each.
// `arriving`: not all of it is here yet.
constexpr char kUploads[] = R"sql(
CREATE TABLE IF NOT EXISTS uploads (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, bytes INTEGER NOT NULL,
  made INTEGER NOT NULL, job TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS upload_claims (
  upload TEXT NOT NULL, job TEXT NOT NULL, PRIMARY KEY (upload, job));
CREATE INDEX upload_claims_by_job ON upload_claims (job);
INSERT OR IGNORE INTO upload_claims
  SELECT id, job FROM uploads WHERE job <> '';
ALTER TABLE uploads DROP COLUMN job;
UPDATE uploads SET made = 0;
ALTER TABLE uploads ADD COLUMN arriving INTEGER NOT NULL DEFAULT 0;
)sql";

// What jobs are asked for by: the pipeline's name, without its version.
constexpr char kJobFilters[] = R"sql(
ALTER TABLE jobs ADD COLUMN name TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_by_kind ON jobs (kind, number);
CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE INDEX jobs_by_name ON jobs (name, number) WHERE name <> '';
)sql";

// Seals a column of blobs that an earlier version wrote bare.
absl::Status SealColumn(Connection& connection, const std::string& table,
                        const std::string& column) {
  ASSIGN_OR_RETURN(Statement select,
                   connection.Prepare(absl::StrCat("SELECT rowid, ", column,
                                                   " FROM ", table)));
  while (true) {
    ASSIGN_OR_RETURN(const bool found, select.Next());
    if (!found) return absl::OkStatus();
    ASSIGN_OR_RETURN(Statement update, connection.Prepare(absl::StrCat(
                                           "UPDATE ", table, " SET ", column,
                                           " = ? WHERE rowid = ?")));
    RETURN_IF_ERROR(
        update.BindSealed(select.Bytes(1)).Bind(select.Int(0)).Execute());
  }
}

// Version 1 had no journal: its `batches` were never read again.
absl::Status UpgradeFrom1(Connection& connection) {
  RETURN_IF_ERROR(connection.Execute(
      "DROP TABLE batches;"
      "ALTER TABLE pipelines ADD COLUMN job TEXT NOT NULL DEFAULT '';"));
  RETURN_IF_ERROR(SealColumn(connection, "jobs", "request"));
  RETURN_IF_ERROR(SealColumn(connection, "jobs", "job"));
  RETURN_IF_ERROR(SealColumn(connection, "pipelines", "pipeline"));
  return connection.Execute(kJournal);
}

// Versions 1 and 2 named artifacts within blobs only.
absl::Status RecordArtifactUses(Connection& connection) {
  ASSIGN_OR_RETURN(Statement versions,
                   connection.Prepare("SELECT pipeline FROM pipelines"));
  while (true) {
    ASSIGN_OR_RETURN(const bool found, versions.Next());
    if (!found) break;
    ASSIGN_OR_RETURN(const pb::Pipeline pipeline,
                     versions.SealedMessage<pb::Pipeline>(0));
    RETURN_IF_ERROR(UseArtifacts(connection, pipeline));
  }
  ASSIGN_OR_RETURN(Statement steps,
                   connection.Prepare("SELECT job, step, content FROM steps"));
  while (true) {
    ASSIGN_OR_RETURN(const bool found, steps.Next());
    if (!found) return absl::OkStatus();
    ASSIGN_OR_RETURN(const pb::FinishedStep step,
                     steps.SealedMessage<pb::FinishedStep>(2));
    RETURN_IF_ERROR(
        UseArtifacts(connection, steps.Bytes(0), steps.Bytes(1), step));
  }
}

// Versions before 4 named a job's pipeline within blobs only.
absl::Status RecordJobNames(Connection& connection) {
  ASSIGN_OR_RETURN(Statement jobs,
                   connection.Prepare("SELECT number, job, request FROM jobs"));
  while (true) {
    ASSIGN_OR_RETURN(const bool found, jobs.Next());
    if (!found) return absl::OkStatus();
    ASSIGN_OR_RETURN(pb::Job job, jobs.SealedMessage<pb::Job>(1));
    ASSIGN_OR_RETURN(*job.mutable_request(),
                     jobs.SealedMessage<pb::CreateJobRequest>(2));
    ASSIGN_OR_RETURN(
        Statement update,
        connection.Prepare("UPDATE jobs SET name = ? WHERE number = ?"));
    RETURN_IF_ERROR(
        update.Bind(PipelineNameOf(job)).Bind(jobs.Int(0)).Execute());
  }
}

absl::StatusOr<int64_t> VersionOf(Connection& connection) {
  ASSIGN_OR_RETURN(Statement version,
                   connection.Prepare("PRAGMA user_version"));
  RETURN_IF_ERROR(version.Execute());
  return version.Int(0);
}

absl::Status UpgradeTo3(Connection& connection) {
  RETURN_IF_ERROR(connection.Execute(kStore));
  RETURN_IF_ERROR(connection.Execute(kUploads));
  RETURN_IF_ERROR(connection.Execute(kPlans));
  RETURN_IF_ERROR(connection.Execute(kGarbage));
  return RecordArtifactUses(connection);
}

absl::Status CheckConsistent(Connection& connection) {
  ASSIGN_OR_RETURN(Statement check,
                   connection.Prepare("PRAGMA quick_check(1)"));
  ASSIGN_OR_RETURN(const bool found, check.Next());
  if (found && check.Bytes(0) == "ok") return absl::OkStatus();
  return JournalDamaged(found ? check.Bytes(0) : "it cannot be checked");
}

}  // namespace

absl::StatusOr<int64_t> SchemaVersion(Database& database) {
  int64_t version = 0;
  RETURN_IF_ERROR(database.Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(version, VersionOf(connection));
    return absl::OkStatus();
  }));
  return version;
}

absl::StatusOr<std::optional<Mark>> MarkInDatabase(Database& database) {
  std::optional<Mark> mark;
  RETURN_IF_ERROR(database.Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t version, VersionOf(connection));
    if (version < 3) return absl::OkStatus();
    ASSIGN_OR_RETURN(Statement select,
                     connection.Prepare("SELECT id, sequence FROM store"));
    ASSIGN_OR_RETURN(const bool found, select.Next());
    if (!found) return JournalDamaged("the store has no id");
    mark = Mark{select.Bytes(0), select.Int(1)};
    return absl::OkStatus();
  }));
  return mark;
}

absl::Status UpgradeSchema(Database& database) {
  return database.Run([](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(CheckConsistent(connection));
    ASSIGN_OR_RETURN(const int64_t version, VersionOf(connection));
    if (version > kVersion)
      return MakeError(absl::StatusCode::kFailedPrecondition, "STATE_TOO_NEW",
                       "the state directory was written by a newer "
                       "coordinator; start that one");
    if (version == kVersion) return absl::OkStatus();
    if (version == 0) {
      RETURN_IF_ERROR(connection.Execute(kTables));
      RETURN_IF_ERROR(connection.Execute(kJournal));
    } else if (version == 1) {
      RETURN_IF_ERROR(UpgradeFrom1(connection));
    }
    if (version < 3) RETURN_IF_ERROR(UpgradeTo3(connection));
    RETURN_IF_ERROR(connection.Execute(kJobFilters));
    RETURN_IF_ERROR(RecordJobNames(connection));
    RETURN_IF_ERROR(connection.Execute(kLabels));
    return connection.Execute(absl::StrCat("PRAGMA user_version=", kVersion));
  });
}

}  // namespace troupe
