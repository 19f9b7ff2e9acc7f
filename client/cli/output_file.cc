#include "client/cli/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

// Renames last through a power failure only once the directory is synced.
void SyncDirectory(const std::string& file) {
  const std::string parent = fs::path(file).parent_path().string();
  const int fd =
      open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return;
  fsync(fd);  // Some file systems cannot; the file itself is synced.
  close(fd);
}

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(
    const std::string& path, std::ostream& standard_output, Followed followed) {
  std::unique_ptr<OutputFile> file(
      new OutputFile(path, standard_output, std::move(followed)));
  RETURN_IF_ERROR(file->Open());
  return file;
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) close(fd_);
  if (temporary_.empty()) return;
  unlink(temporary_.c_str());
  followed_.RemoveFile(temporary_);
}

absl::Status OutputFile::Open() {
  std::error_code error;
  if (path_ != "-") {
    const fs::path resolved = fs::weakly_canonical(path_, error);
    if (!error && fs::is_symlink(path_)) path_ = resolved.string();
    if (fs::is_directory(path_, error)) return Failed("it is a directory");
  }
  regular_ = path_ != "-" &&
             (!fs::exists(path_, error) || fs::is_regular_file(path_, error));
  if (regular_ && fs::exists(path_, error) && access(path_.c_str(), W_OK) != 0)
    return Failed(std::strerror(errno));
  const fs::path target =
      regular_ ? fs::path(path_)
               : fs::temp_directory_path(error) / "troupe-output";
  temporary_ = absl::StrCat(target.string(), ".", getpid(), ".partial");
  // A file of that name can only be left from a process that is gone.
  unlink(temporary_.c_str());
  fd_ = open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
             regular_ ? 0666 : 0600);
  if (fd_ < 0) {
    const int reason = errno;
    temporary_.clear();
    return Failed(std::strerror(reason));
  }
  followed_.AddFile(temporary_);
  return absl::OkStatus();
}

absl::Status OutputFile::Write(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return MakeError(absl::StatusCode::kDataLoss, "WRITE_FAILED",
                       absl::StrCat("\"", path_, "\" cannot be written: ",
                                    std::strerror(errno)));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (path_ == "-") return CopyTo(out_);
  if (!regular_) {
    std::ofstream target(path_, std::ios::binary | std::ios::app);
    return CopyTo(target);
  }
  if (fsync(fd_) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0)
    return Failed(std::strerror(errno));
  followed_.RemoveFile(temporary_);
  temporary_.clear();
  SyncDirectory(path_);
  return absl::OkStatus();
}

absl::Status OutputFile::CopyTo(std::ostream& out) const {
  std::ifstream in(temporary_, std::ios::binary);
  // operator<< calls an empty file a failure.
  if (in.peek() != std::ifstream::traits_type::eof()) out << in.rdbuf();
  out.flush();
  if (!out || in.bad()) return Failed("not all of it could be written");
  return absl::OkStatus();
}

absl::Status OutputFile::Failed(absl::string_view what) const {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_OUTPUT",
      absl::StrCat("the output \"", path_, "\" cannot be written: ", what));
}

}  // namespace troupe
