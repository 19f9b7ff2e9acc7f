#include "client/coordinator/state/backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/coordinator/state/job_store.h"
#include "client/coordinator/state/storage.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

// A file to copy: from below the state directory, to below the backup.
struct Entry {
  std::string from;
  std::string to;
  bool may_lack = false;  // It appears and grows while it is copied.
};

class BackupWriter {
 public:
  BackupWriter(std::string from, std::string to)
      : from_(std::move(from)), to_(std::move(to)) {}

  absl::Status Copy(const Entry& entry) {
    const std::string source = absl::StrCat(from_, "/", entry.from);
    std::error_code error;
    if (!fs::exists(source, error) && entry.may_lack) return absl::OkStatus();
    if (!fs::is_directory(source, error)) return CopyFile(source, entry.to);
    RETURN_IF_ERROR(MakeDirectory(absl::StrCat(to_, "/", entry.to)));
    for (fs::directory_iterator inside(source, error), end;
         !error && inside != end; inside.increment(error)) {
      const std::string name = inside->path().filename().string();
      RETURN_IF_ERROR(
          Copy({absl::StrCat(entry.from, "/", name),
                absl::StrCat(entry.to, "/", name), entry.may_lack}));
    }
    return SyncDirectory(absl::StrCat(to_, "/", entry.to));
  }

  // Counts a file that is there already.
  absl::Status Add(const std::string& name) {
    Sha256 digest;
    RETURN_IF_ERROR(
        Read(absl::StrCat(to_, "/", name), [&](absl::string_view piece) {
          digest.Update(piece);
          return absl::OkStatus();
        }));
    absl::StrAppend(&list_, digest.Finish(), "  ", name, "\n");
    return absl::OkStatus();
  }

  absl::Status WriteList() {
    const std::string path = to_ + "/backup.sha256";
    const int fd =
        open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return StorageError(errno, "make", path);
    absl::Status written = WriteAll(fd, list_, path);
    if (written.ok()) SyncFile(fd, path);
    close(fd);
    return written;
  }

 private:
  template <typename Visit>
  static absl::Status Read(const std::string& path, Visit visit) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return StorageError(errno, "open", path);
    std::string piece(size_t{1} << 20, '\0');
    absl::Status status;
    while (status.ok()) {
      const ssize_t got = read(fd, piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) status = StorageError(errno, "read", path);
      if (got <= 0) break;
      status = visit(absl::string_view(piece.data(), static_cast<size_t>(got)));
    }
    close(fd);
    return status;
  }

  absl::Status CopyFile(const std::string& source, const std::string& name) {
    const std::string target = absl::StrCat(to_, "/", name);
    const int fd =
        open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return StorageError(errno, "make", target);
    Sha256 digest;
    absl::Status copied = Read(source, [&](absl::string_view piece) {
      digest.Update(piece);
      return WriteAll(fd, piece, target);
    });
    if (copied.ok()) SyncFile(fd, target);
    close(fd);
    absl::StrAppend(&list_, digest.Finish(), "  ", name, "\n");
    return copied;
  }

  const std::string from_;
  const std::string to_;
  std::string list_;
};

// What the copied database names.
absl::StatusOr<std::vector<Entry>> EntriesOf(Connection& connection) {
  std::vector<Entry> entries;
  const auto each = [&](const char* sql, auto add) -> absl::Status {
    ASSIGN_OR_RETURN(Statement select, connection.Prepare(sql));
    while (true) {
      ASSIGN_OR_RETURN(const bool found, select.Next());
      if (!found) return absl::OkStatus();
      add(select);
    }
  };
  RETURN_IF_ERROR(each("SELECT sha256 FROM artifacts", [&](Statement& row) {
    const std::string name = "artifacts/" + row.Bytes(0);
    entries.push_back({name, name, true});
  }));
  RETURN_IF_ERROR(
      each("SELECT id FROM uploads WHERE arriving = 0", [&](Statement& row) {
        const std::string name = "uploads/" + row.Bytes(0);
        entries.push_back({name, name});
      }));
  RETURN_IF_ERROR(each("SELECT id, state FROM jobs", [&](Statement& row) {
    const std::string name = "output/" + row.Bytes(0);
    const bool published = HasSucceeded(static_cast<pb::JobState>(row.Int(1)));
    if (published) {
      entries.push_back({name, name, true});
    } else {
      entries.push_back({name + ".tmp", name + ".tmp", true});
    }
  }));
  return entries;
}

// Its mark and what it names, from the copy itself.
absl::StatusOr<std::vector<Entry>> ReadCopy(const std::string& directory) {
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2((directory + "/troupe.db").c_str(),
                                     &handle, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> closer(handle,
                                                           sqlite3_close_v2);
  Connection connection(handle);
  if (opened != SQLITE_OK) return JournalDamaged("the copy cannot be opened");
  // One file, also for who copies it further.
  RETURN_IF_ERROR(connection.Execute(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE"));
  Mark mark;
  {
    ASSIGN_OR_RETURN(Statement select,
                     connection.Prepare("SELECT id, sequence FROM store"));
    RETURN_IF_ERROR(select.Execute());
    mark = {select.Bytes(0), select.Int(1)};
  }
  RETURN_IF_ERROR(StoreMark::Open(directory, mark).status());
  return EntriesOf(connection);
}

absl::Status Fill(Database& database, const std::string& directory) {
  RETURN_IF_ERROR(database.CopyTo(directory + "/troupe.db"));
  ASSIGN_OR_RETURN(const std::vector<Entry> entries, ReadCopy(directory));
  BackupWriter writer(database.directory(), directory);
  for (const char* room : {"/output", "/artifacts", "/uploads"})
    RETURN_IF_ERROR(MakeDirectory(directory + room));
  RETURN_IF_ERROR(writer.Add("troupe.db"));
  RETURN_IF_ERROR(writer.Add(kStoreMark));
  for (const Entry& entry : entries) RETURN_IF_ERROR(writer.Copy(entry));
  for (const char* room : {"/output", "/artifacts", "/uploads"})
    RETURN_IF_ERROR(SyncDirectory(directory + room));
  RETURN_IF_ERROR(writer.WriteList());
  return SyncDirectory(directory);
}

}  // namespace

absl::Status WriteBackup(Database& database, const std::string& directory) {
  const fs::path whole = fs::path(directory).lexically_normal();
  std::error_code error;
  const std::string temporary = whole.string() + ".tmp";
  for (const std::string& path : {whole.string(), temporary})
    if (!whole.is_absolute() || fs::exists(fs::symlink_status(path)))
      return MakeError(absl::StatusCode::kFailedPrecondition, "BACKUP_EXISTS",
                       absl::StrCat("\"", path,
                                    "\" is there already, or no absolute path; "
                                    "name a new directory"));
  RETURN_IF_ERROR(MakeDirectory(temporary));
  const Database::Hold hold(&database);
  absl::Status done = Fill(database, temporary);
  if (done.ok()) {
    fs::rename(temporary, whole, error);
    done = error ? StorageError(error.value(), "rename to", directory)
                 : SyncDirectory(whole.parent_path().string());
  }
  if (!done.ok()) fs::remove_all(temporary, error);
  return done;
}

}  // namespace troupe
