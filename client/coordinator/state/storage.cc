#include "client/coordinator/state/storage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// Left out only in the build that shows that the fault tests would notice.
int Sync(int fd) {
#ifdef TROUPE_FAULT_SKIP_SYNC
  return fd < 0 ? -1 : 0;
#else
  return fdatasync(fd);
#endif
}

}  // namespace

absl::Status DiskFull(absl::string_view message) {
  return MakeError(absl::StatusCode::kResourceExhausted, "DISK_FULL", message);
}

absl::Status StorageError(int error, absl::string_view doing,
                          const std::string& path) {
  const std::string message =
      absl::StrCat("cannot ", doing, " \"", path, "\": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return DiskFull(message);
  return MakeError(absl::StatusCode::kInternal, "STORAGE_FAILED", message);
}

absl::Status WriteAll(int fd, absl::string_view bytes,
                      const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return StorageError(errno, "write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, absl::Span<const absl::string_view> pieces,
                      const std::string& path) {
  constexpr size_t kMost = 256;  // The system takes 1,024.
  size_t skipped = 0;            // Of the first piece.
  while (!pieces.empty()) {
    iovec parts[kMost];
    const size_t count = std::min(kMost, pieces.size());
    for (size_t i = 0; i < count; ++i)
      parts[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    parts[0].iov_base = static_cast<char*>(parts[0].iov_base) + skipped;
    parts[0].iov_len -= skipped;
    const ssize_t written = writev(fd, parts, static_cast<int>(count));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return StorageError(errno, "write", path);
    skipped += static_cast<size_t>(written);
    while (!pieces.empty() && skipped >= pieces.front().size()) {
      skipped -= pieces.front().size();
      pieces.remove_prefix(1);
    }
  }
  return absl::OkStatus();
}

void BeginWriting(int fd, int64_t offset) {
  sync_file_range(fd, offset, 0, SYNC_FILE_RANGE_WRITE);
}

void SyncFile(int fd, const std::string& path) {
  if (Sync(fd) != 0) EndAfterFailedSync(path, std::strerror(errno));
}

absl::Status SyncDirectory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return StorageError(errno, "open", directory);
  SyncFile(fd, directory);
  close(fd);
  return absl::OkStatus();
}

absl::Status MakeDirectory(const std::string& directory, mode_t mode) {
  namespace fs = std::filesystem;
  fs::path whole = fs::path(directory).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // A last slash.
  const fs::path above = whole.parent_path();
  const std::string parent = above.empty() ? "." : above.string();
  if (mkdir(whole.c_str(), mode) == 0) {
    // What the process masks is meant for programs that do not say.
    if (chmod(whole.c_str(), mode) != 0)
      return StorageError(errno, "set the permissions of", directory);
    return SyncDirectory(parent);
  }
  if (errno == EEXIST && fs::is_directory(whole)) {
    // One above that may not be read was not made by this program.
    return access(parent.c_str(), R_OK) == 0 ? SyncDirectory(parent)
                                             : absl::OkStatus();
  }
  if (errno != ENOENT || above.empty() || above == whole)
    return StorageError(errno, "make", directory);
  RETURN_IF_ERROR(MakeDirectory(parent, mode));
  return MakeDirectory(directory, mode);
}

mode_t DirectoryMode(mode_t mode) { return mode | ((mode & 0444) >> 2); }

void EndAfterFailedSync(const std::string& path, absl::string_view why) {
  LogError(
      "sync failed; the process ends, and its jobs go on at the next start",
      absl::DataLossError(why), {{"path", path}});
  FlushLog();
  _exit(kExitAfterFailedSync);
}

}  // namespace troupe
