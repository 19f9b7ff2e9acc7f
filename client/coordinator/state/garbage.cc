#include "client/coordinator/state/garbage.h"

#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/coordinator/state/storage.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kAtOnce = 100;

absl::Status UseOne(Connection& connection, absl::string_view user,
                    absl::string_view step, absl::string_view sha256) {
  if (sha256.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      Statement known,
      connection.Prepare("INSERT OR IGNORE INTO artifacts VALUES (?)"));
  RETURN_IF_ERROR(known.Bind(sha256).Execute());
  ASSIGN_OR_RETURN(Statement use,
                   connection.Prepare(
                       "INSERT OR IGNORE INTO artifact_uses VALUES (?, ?, ?)"));
  return use.Bind(user).Bind(step).Bind(sha256).Execute();
}

// The first column of all rows.
absl::StatusOr<std::vector<std::string>> Column(Statement& select) {
  std::vector<std::string> values;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, select.Next());
    if (!found) return values;
    values.push_back(select.Bytes(0));
  }
}

absl::StatusOr<std::vector<std::string>> Query(Database& database,
                                               const std::string& sql,
                                               absl::string_view value) {
  std::vector<std::string> values;
  RETURN_IF_ERROR(database.Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(Statement select, connection.Prepare(sql));
    select.Bind(value);
    ASSIGN_OR_RETURN(values, Column(select));
    return absl::OkStatus();
  }));
  return values;
}

absl::Status Forget(Database& database, const std::string& sql,
                    const std::string& value) {
  return database.Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(Statement remove, connection.Prepare(sql));
    return remove.Bind(value).Execute();
  });
}

std::vector<fs::path> EntriesOf(const std::string& directory) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end;
       !error && entry != end; entry.increment(error))
    entries.push_back(entry->path());
  return entries;
}

// A name in lost+found that nothing has.
std::string FreePlace(const std::string& directory, const std::string& name) {
  std::string place = absl::StrCat(directory, "/", name);
  for (int i = 1; fs::exists(fs::symlink_status(place)); ++i)
    place = absl::StrCat(directory, "/", name, ".", i);
  return place;
}

absl::Status MoveToLostFound(const std::string& state_dir,
                             const std::string& room, const fs::path& orphan) {
  const std::string found = state_dir + "/lost+found";
  RETURN_IF_ERROR(MakeDirectory(found));
  const std::string place =
      FreePlace(found, absl::StrCat(room, "-", orphan.filename().string()));
  std::error_code error;
  fs::rename(orphan, place, error);
  if (error) return StorageError(error.value(), "move", orphan.string());
  RETURN_IF_ERROR(SyncDirectory(found));
  RETURN_IF_ERROR(SyncDirectory(orphan.parent_path().string()));
  Log(LogLevel::kWarning, "the state database does not know a file: moved",
      {{"file", orphan.string()}, {"to", place}});
  return absl::OkStatus();
}

// Moves the entries of `room` whose names `is_known` does not know.
template <typename IsKnown>
absl::Status RescueRoom(Database& database, const std::string& room,
                        IsKnown is_known) {
  const std::string& state_dir = database.directory();
  for (const fs::path& entry : EntriesOf(absl::StrCat(state_dir, "/", room))) {
    const std::string name = entry.filename().string();
    if (name == "lost+found") continue;  // A file system's own.
    ASSIGN_OR_RETURN(const std::vector<std::string> doomed,
                     Query(database, "SELECT path FROM garbage WHERE path = ?",
                           absl::StrCat(room, "/", name)));
    if (!doomed.empty()) continue;
    ASSIGN_OR_RETURN(const bool known, is_known(name));
    if (known) continue;
    const absl::Status moved = MoveToLostFound(state_dir, room, entry);
    if (!moved.ok()) LogError("a file that nobody knows stays", moved);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status UseArtifacts(Connection& connection, absl::string_view job,
                          absl::string_view step,
                          const pb::FinishedStep& content) {
  ASSIGN_OR_RETURN(Statement before,
                   connection.Prepare("DELETE FROM artifact_uses WHERE user ="
                                      " ? AND step = ?"));
  RETURN_IF_ERROR(before.Bind(job).Bind(step).Execute());
  RETURN_IF_ERROR(UseOne(connection, job, step, content.artifact()));
  return UseOne(connection, job, step, content.state());
}

absl::Status UseArtifacts(Connection& connection,
                          const pb::Pipeline& pipeline) {
  const std::string user =
      absl::StrCat(pipeline.name(), "@", pipeline.version());
  for (const pb::Hop& hop : pipeline.hops())
    RETURN_IF_ERROR(UseOne(connection, user, "", hop.artifact()));
  return absl::OkStatus();
}

absl::Status ReleaseArtifacts(Connection& connection, absl::string_view user) {
  ASSIGN_OR_RETURN(
      Statement remove,
      connection.Prepare("DELETE FROM artifact_uses WHERE user = ?"));
  return remove.Bind(user).Execute();
}

absl::StatusOr<int64_t> CollectGarbage(Database& database) {
  int64_t removed = 0;
  while (true) {
    ASSIGN_OR_RETURN(
        const std::vector<std::string> paths,
        Query(database, "SELECT path FROM garbage WHERE path > ? LIMIT 100",
              ""));
    for (const std::string& path : paths) {
      if (database.held()) return removed;
      const std::string whole = absl::StrCat(database.directory(), "/", path);
      std::error_code error;
      do {  // Somebody else may be removing it, too.
        fs::remove_all(whole, error);
      } while (error == std::errc::no_such_file_or_directory);
      if (error) return StorageError(error.value(), "remove", whole);
      RETURN_IF_ERROR(
          Forget(database, "DELETE FROM garbage WHERE path = ?", path));
      ++removed;
    }
    if (static_cast<int64_t>(paths.size()) < kAtOnce) return removed;
  }
}

absl::Status CollectArtifacts(Database& database, const ArtifactStore& store) {
  for (const std::string& sha256 : store.Fresh()) {
    ASSIGN_OR_RETURN(
        const std::vector<std::string> uses,
        Query(database,
              "SELECT user FROM artifact_uses WHERE sha256 = ? LIMIT 1",
              sha256));
    if (!uses.empty()) store.Named(sha256);
  }
  ASSIGN_OR_RETURN(
      const std::vector<std::string> unused,
      Query(database,
            "SELECT sha256 FROM artifacts WHERE sha256 > ? AND sha256 NOT IN"
            " (SELECT sha256 FROM artifact_uses)",
            ""));
  for (const std::string& sha256 : unused) {
    if (database.held()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const bool removed, store.RemoveUnlessFresh(sha256));
    if (!removed) continue;
    RETURN_IF_ERROR(
        Forget(database,
               "DELETE FROM artifacts WHERE sha256 = ? AND sha256 NOT IN"
               " (SELECT sha256 FROM artifact_uses)",
               sha256));
  }
  return absl::OkStatus();
}

absl::Status RescueOrphans(Database& database) {
  const auto in_table = [&](const std::string& sql) {
    return [&database, sql](const std::string& name) -> absl::StatusOr<bool> {
      ASSIGN_OR_RETURN(const std::vector<std::string> found,
                       Query(database, sql, name));
      return !found.empty();
    };
  };
  RETURN_IF_ERROR(RescueRoom(database, "uploads",
                             in_table("SELECT id FROM uploads WHERE id = ?")));
  RETURN_IF_ERROR(
      RescueRoom(database, "artifacts",
                 in_table("SELECT sha256 FROM artifacts WHERE sha256 = ?")));
  const auto job = in_table("SELECT id FROM jobs WHERE id = ?");
  return RescueRoom(
      database, "output", [&](const std::string& name) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const bool known,
                         job(std::string(absl::StripSuffix(name, ".tmp"))));
        if (known || absl::EndsWith(name, ".tmp")) return known;
        Log(LogLevel::kWarning,
            "an output of no job in the state database is kept",
            {{"directory",
              absl::StrCat(database.directory(), "/output/", name)}});
        return true;
      });
}

}  // namespace troupe
