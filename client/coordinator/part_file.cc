#include "client/coordinator/part_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

// A full disk is the user's to mend; the rest is hardly expected.
absl::Status FileError(absl::string_view doing, const std::string& path) {
  const int error = errno;
  const auto code = error == ENOSPC || error == EDQUOT
                        ? absl::StatusCode::kResourceExhausted
                        : absl::StatusCode::kInternal;
  return MakeError(code, "OUTPUT_FAILED",
                   absl::StrCat("cannot ", doing, " \"", path,
                                "\": ", std::strerror(error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<PartFile>> PartFile::Create(
    const std::string& directory, const std::string& name) {
  std::string path = absl::StrCat(directory, "/", name);
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return FileError("make", path);
  return std::unique_ptr<PartFile>(new PartFile(std::move(path), name, fd));
}

PartFile::~PartFile() {
  if (fd_ >= 0) close(fd_);
}

absl::Status PartFile::Append(absl::string_view text, int64_t rows) {
  digest_.Update(text);
  bytes_ += static_cast<int64_t>(text.size());
  rows_ += rows;
  while (!text.empty()) {
    const ssize_t written = write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write", path_);
    text.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::StatusOr<pb::Part> PartFile::Finish() {
  // A failed fsync may have dropped pages: it is never tried twice.
  if (fsync(fd_) != 0) return FileError("sync", path_);
  if (close(std::exchange(fd_, -1)) != 0) return FileError("close", path_);
  pb::Part part;
  part.set_name(name_);
  part.set_bytes(bytes_);
  part.set_rows(rows_);
  part.set_sha256(digest_.Finish());
  return part;
}

absl::Status SyncDirectory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError("open", directory);
  const int synced = fsync(fd);
  close(fd);
  if (synced != 0) return FileError("sync", directory);
  return absl::OkStatus();
}

}  // namespace troupe
