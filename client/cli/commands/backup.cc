// troupe backup and restore: a copy of the state directory, and the way back.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/commands/commands.h"
#include "client/cli/options.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

constexpr char kBackupExamples[] =
    "  troupe backup /backups/monday    # a new directory, where the "
    "coordinator "
    "runs\n";
constexpr char kRestoreExamples[] =
    "  troupe restore /backups/monday ~/troupe\n"
    "  troupe-coordinator --state_dir ~/troupe\n";
constexpr char kList[] = "backup.sha256";

absl::Status CopyFailed(absl::string_view doing, const std::string& path) {
  return MakeError(absl::StatusCode::kInternal, "WRITE_FAILED",
                   absl::StrCat("cannot ", doing, " \"", path,
                                "\": ", std::strerror(errno)));
}

absl::Status SyncPath(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  return synced ? absl::OkStatus() : CopyFailed("sync", path);
}

// Copies a file of which `sha256` is known.
absl::Status CopyChecked(const std::string& from, const std::string& to,
                         absl::string_view sha256) {
  std::ifstream source(from, std::ios::binary);
  const int fd =
      open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return CopyFailed("make", to);
  Sha256 digest;
  std::string piece(size_t{1} << 20, '\0');
  bool written = true;
  while (written &&
         (source.read(piece.data(), static_cast<std::streamsize>(piece.size())),
          source.gcount() > 0)) {
    const auto count = static_cast<size_t>(source.gcount());
    digest.Update(absl::string_view(piece.data(), count));
    for (size_t at = 0; written && at < count;) {
      const ssize_t more = write(fd, piece.data() + at, count - at);
      written = more > 0;
      at += written ? static_cast<size_t>(more) : 0;
    }
  }
  written = written && fsync(fd) == 0;
  const absl::Status failed = CopyFailed("write", to);
  close(fd);
  if (!written) return failed;
  return digest.Finish() == sha256
             ? absl::OkStatus()
             : MakeError(absl::StatusCode::kDataLoss, "BACKUP_DAMAGED",
                         absl::StrCat("\"", from,
                                      "\" is missing or not as it was saved"));
}

absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    errno = error.value();
    return CopyFailed("make", path);
  }
  fs::permissions(path, fs::perms::owner_all, error);
  return absl::OkStatus();
}

// A line of the list: a digest, two spaces, a path below the backup.
absl::Status RestoreLine(const std::string& line, const std::string& backup,
                         const std::string& target) {
  const std::string name = line.size() > 66 ? line.substr(66) : "";
  if (name.empty() || !IsSha256Hex(line.substr(0, 64)) || name[0] == '/' ||
      absl::StrContains(name, ".."))
    return MakeError(absl::StatusCode::kDataLoss, "BACKUP_DAMAGED",
                     absl::StrCat("\"", backup, "/", kList,
                                  "\" has a line that is none of ours"));
  const std::string to = absl::StrCat(target, "/", name);
  RETURN_IF_ERROR(MakeDirectories(fs::path(to).parent_path().string()));
  return CopyChecked(absl::StrCat(backup, "/", name), to, line.substr(0, 64));
}

absl::Status SyncDirectories(const std::string& target) {
  for (const auto& entry : fs::recursive_directory_iterator(target))
    if (entry.is_directory()) RETURN_IF_ERROR(SyncPath(entry.path().string()));
  return SyncPath(target);
}

absl::StatusOr<ExitCode> Restore(Session& session, const std::string& backup,
                                 const std::string& state_dir) {
  std::error_code error;
  const fs::path whole = fs::absolute(state_dir).lexically_normal();
  const std::string target =
      (whole.has_filename() ? whole : whole.parent_path()).string();
  if (fs::exists(target, error) && !fs::is_empty(target, error))
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "STATE_DIR_NOT_EMPTY",
                     absl::StrCat("\"", target,
                                  "\" is not empty; restore into a new "
                                  "directory, and give it as --state_dir"));
  std::ifstream list(absl::StrCat(backup, "/", kList));
  if (!list.is_open()) return FileNotFound(absl::StrCat(backup, "/", kList));
  // What is not whole never has the name that was asked for.
  const std::string temporary = target + ".restoring";
  fs::remove_all(temporary, error);
  RETURN_IF_ERROR(MakeDirectories(temporary));
  int64_t files = 0;
  for (std::string line; std::getline(list, line); ++files)
    RETURN_IF_ERROR(RestoreLine(line, backup, temporary));
  RETURN_IF_ERROR(SyncDirectories(temporary));
  fs::remove(target, error);  // Empty, or not there.
  if (rename(temporary.c_str(), target.c_str()) != 0)
    return CopyFailed("rename to", target);
  RETURN_IF_ERROR(SyncPath(fs::path(target).parent_path().string()));
  session.Note(absl::StrCat(files,
                            " files restored; start the coordinator with "
                            "--state_dir ",
                            target));
  return kDone;
}

absl::StatusOr<ExitCode> Backup(Session& session,
                                const std::string& directory) {
  pb::BackupRequest request;
  request.set_directory(fs::absolute(directory).lexically_normal().string());
  ASSIGN_OR_RETURN(const pb::BackupResponse response,
                   session.client().Backup(request));
  if (session.json) RETURN_IF_ERROR(session.PrintJson(response));
  session.Note(
      absl::StrCat("the state directory is copied to ", request.directory()));
  return kDone;
}

}  // namespace

void AddBackup(CLI::App& app, Session& session) {
  CLI::App* command =
      AddCommand(app, session, "backup",
                 "Copies the coordinator's state directory while it works",
                 kBackupExamples);
  auto directory = std::make_shared<std::string>();
  command
      ->add_option("directory", *directory,
                   "a new directory on the coordinator's machine")
      ->required()
      ->type_name("DIR");
  command->callback([&session, directory] {
    session.command = [&session, directory] {
      return Backup(session, *directory);
    };
  });
}

void AddRestore(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(app, session, "restore",
                                 "Checks a backup and makes a state directory "
                                 "of it; no coordinator needed",
                                 kRestoreExamples);
  auto backup = std::make_shared<std::string>();
  auto state_dir = std::make_shared<std::string>();
  command->add_option("backup", *backup, "what `troupe backup` made")
      ->required()
      ->type_name("DIR");
  command->add_option("state_dir", *state_dir, "a new directory")
      ->required()
      ->type_name("STATE_DIR");
  command->callback([&session, backup, state_dir] {
    session.command = [&session, backup, state_dir] {
      return Restore(session, *backup, *state_dir);
    };
  });
}

}  // namespace troupe
