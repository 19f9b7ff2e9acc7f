#include "client/cli/output_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/base/boot_id.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/file_names.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

constexpr char kUnfinished[] = ".troupe-partial";
constexpr size_t kRandomDigits = 8;
constexpr int64_t kFlushBytes = int64_t{8} << 20;
// A file shorter than that stays in the system's cache.
constexpr int64_t kCachedBytes = int64_t{64} << 20;

// Renames last through a power failure only once the directory is synced.
void SyncDirectory(const std::string& file) {
  const std::string parent = fs::path(file).parent_path().string();
  const int fd =
      open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return;
  fsync(fd);  // Some file systems cannot; the file itself is synced.
  close(fd);
}

// What is known of an open file, with the time when it was made. False where
// the file system does not say.
bool Look(int fd, struct statx* found) {
  constexpr unsigned int kWanted = STATX_BASIC_STATS | STATX_BTIME;
  return statx(fd, "", AT_EMPTY_PATH, kWanted, found) == 0 &&
         (found->stx_mask & kWanted) == kWanted;
}

std::pair<int64_t, uint32_t> BornAt(const struct statx& found) {
  return {found.stx_btime.tv_sec, found.stx_btime.tv_nsec};
}

std::string TemporaryBeside(const std::string& target) {
  std::random_device random;
  return absl::StrCat(target, ".", absl::Hex(random(), absl::kZeroPad8),
                      kUnfinished);
}

// Removes the temporary files of `target` that no process holds locked.
void RemoveAbandoned(const fs::path& target) {
  const std::string prefix = target.filename().string() + ".";
  std::error_code error;
  const fs::path parent = target.parent_path();
  for (const auto& entry :
       fs::directory_iterator(parent.empty() ? "." : parent, error)) {
    const std::string name = entry.path().filename().string();
    if (!absl::StartsWith(name, prefix) || !absl::EndsWith(name, kUnfinished) ||
        name.size() != prefix.size() + kRandomDigits + std::strlen(kUnfinished))
      continue;
    const int fd =
        open(entry.path().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) continue;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlink(entry.path().c_str());
    close(fd);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(
    const std::string& path, std::ostream& standard_output, Followed followed,
    const std::string& key) {
  std::unique_ptr<OutputFile> file(
      new OutputFile(path, standard_output, std::move(followed), key));
  RETURN_IF_ERROR(file->Open());
  return file;
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) close(fd_);
  if (temporary_.empty()) return;
  if (!keep_) unlink(temporary_.c_str());
  followed_.RemoveFile(temporary_);
}

absl::Status OutputFile::Open() {
  std::error_code error;
  if (path_ != "-") {
    const fs::path resolved = fs::weakly_canonical(path_, error);
    if (!error && fs::is_symlink(path_)) path_ = resolved.string();
    if (fs::is_directory(path_, error)) return Refused("it is a directory");
  }
  regular_ = path_ != "-" &&
             (!fs::exists(path_, error) || fs::is_regular_file(path_, error));
  if (regular_ && fs::exists(path_, error) && access(path_.c_str(), W_OK) != 0)
    return Refused(std::strerror(errno));
  compressor_ = Compressor::For(CompressionOf(path_));
  const fs::path target =
      regular_ ? fs::path(path_)
               : fs::temp_directory_path(error) / "troupe-output";
  if (!regular_ || compressor_ != nullptr) key_.clear();
  const bool kept = !key_.empty() && OpenKept(target.string());
  RemoveAbandoned(target);
  return kept ? absl::OkStatus() : OpenTemporary(target.string());
}

// Opens what an earlier process left under our key, or begins it. False where
// another process is at it.
bool OutputFile::OpenKept(const std::string& target) {
  temporary_ = absl::StrCat(target, ".", key_, kUnfinished);
  fd_ =
      open(temporary_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  struct stat status = {};
  if (fd_ >= 0 && flock(fd_, LOCK_EX | LOCK_NB) == 0 &&
      fstat(fd_, &status) == 0 && status.st_nlink > 0 &&
      lseek(fd_, 0, SEEK_END) == status.st_size) {
    bytes_ = status.st_size;
    followed_.AddFile(temporary_);
    return true;
  }
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  temporary_.clear();
  key_.clear();
  return false;
}

absl::StatusOr<std::string> OutputFile::ReadBack(int64_t offset,
                                                 int64_t bytes) const {
  std::string text(static_cast<size_t>(bytes), '\0');
  for (size_t filled = 0; filled < text.size();) {
    const ssize_t got = pread(fd_, text.data() + filled, text.size() - filled,
                              offset + static_cast<int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Failed("what was written cannot be read again");
    filled += static_cast<size_t>(got);
  }
  return text;
}

absl::Status OutputFile::Cut(int64_t bytes) {
  if (ftruncate(fd_, bytes) != 0 || lseek(fd_, bytes, SEEK_SET) != bytes)
    return Failed(std::strerror(errno));
  bytes_ = bytes;
  flushing_ = std::min(flushing_, bytes);
  forgotten_ = std::min(forgotten_, bytes);
  return absl::OkStatus();
}

absl::Status OutputFile::OpenTemporary(const std::string& target) {
  struct stat status = {};
  do {  // Again where a neighbour took it for abandoned before it was locked.
    if (fd_ >= 0) close(fd_);
    temporary_ = TemporaryBeside(target);
    fd_ = open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
               regular_ ? 0666 : 0600);
    if (fd_ < 0 && errno == EEXIST) continue;
    if (fd_ < 0) {
      const int reason = errno;
      temporary_.clear();
      return Refused(std::strerror(reason));
    }
    flock(fd_, LOCK_EX | LOCK_NB);
  } while (fd_ < 0 || (fstat(fd_, &status) == 0 && status.st_nlink == 0));
  followed_.AddFile(temporary_);
  return absl::OkStatus();
}

bool OutputFile::Share(const pb::OutputPlace& place, int64_t bytes) {
  if (!regular_ || compressor_ != nullptr || !key_.empty()) return false;
  if (place.boot().empty() || place.boot() != BootId()) return false;
  const std::string name = TemporaryBeside(path_);
  followed_.AddFile(name);
  const int fd = link(place.path().c_str(), name.c_str()) == 0
                     ? OpenShared(place, bytes, name)
                     : -1;
  if (fd < 0) {
    unlink(name.c_str());
    followed_.RemoveFile(name);
    return false;
  }
  unlink(temporary_.c_str());
  followed_.RemoveFile(temporary_);
  close(std::exchange(fd_, fd));
  temporary_ = name;
  bytes_ = bytes;
  return true;
}

// Opens and locks the second name of a file, if it is the one at `place`, and
// gives it the permissions of one made here. -1 where it is not. It must be
// younger than the file that it replaces, which is older than the job: so
// nobody who only plays a coordinator gives away what else the user has.
int OutputFile::OpenShared(const pb::OutputPlace& place, int64_t bytes,
                           const std::string& name) const {
  const int fd = open(name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -1;
  struct statx found = {};
  struct statx made = {};
  if (Look(fd, &found) && Look(fd_, &made) &&
      makedev(found.stx_dev_major, found.stx_dev_minor) == place.device() &&
      found.stx_ino == place.inode() && S_ISREG(found.stx_mode) &&
      found.stx_size == static_cast<uint64_t>(bytes) &&
      found.stx_uid == made.stx_uid && found.stx_gid == made.stx_gid &&
      BornAt(found) >= BornAt(made) &&
      // Keeps neighbours from taking it for abandoned, as one may have before.
      flock(fd, LOCK_EX | LOCK_NB) == 0 && access(name.c_str(), F_OK) == 0 &&
      fchmod(fd, made.stx_mode) == 0)
    return fd;
  close(fd);
  return -1;
}

absl::Status OutputFile::Write(absl::string_view bytes) {
  if (compressor_ == nullptr) return WriteRaw(bytes);
  return compressor_->Add(bytes, false, [this](absl::string_view packed) {
    return WriteRaw(packed);
  });
}

absl::Status OutputFile::WriteRaw(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed(std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(written));
    bytes_ += written;
  }
  if (!regular_ || bytes_ - flushing_ < kFlushBytes) return absl::OkStatus();
  // The disk begins now, so that the sync at the end waits for less.
  sync_file_range(fd_, flushing_, bytes_ - flushing_, SYNC_FILE_RANGE_WRITE);
  if (bytes_ >= kCachedBytes) {
    // What the disk has gives its memory to what comes: fresh memory is dearer
    // than all the rest.
    if (sync_file_range(fd_, forgotten_, flushing_ - forgotten_,
                        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                            SYNC_FILE_RANGE_WAIT_AFTER) != 0 &&
        errno == EIO)
      return Failed(std::strerror(errno));
    posix_fadvise(fd_, forgotten_, flushing_ - forgotten_, POSIX_FADV_DONTNEED);
    forgotten_ = flushing_;
  }
  flushing_ = bytes_;
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (compressor_ != nullptr)
    RETURN_IF_ERROR(compressor_->Add(
        "", true,
        [this](absl::string_view packed) { return WriteRaw(packed); }));
  if (path_ == "-") return CopyTo(out_);
  if (!regular_) {
    std::ofstream target(path_, std::ios::binary | std::ios::app);
    return CopyTo(target);
  }
  if (fsync(fd_) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0)
    return Failed(std::strerror(errno));
  // A rename between two names of one file leaves both.
  unlink(temporary_.c_str());
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

absl::Status OutputFile::Refused(absl::string_view what) const {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_OUTPUT",
      absl::StrCat("the output \"", path_, "\" cannot be written: ", what));
}

absl::Status OutputFile::Failed(absl::string_view what) const {
  return MakeError(absl::StatusCode::kDataLoss, "WRITE_FAILED",
                   absl::StrCat(path_ == "-" ? "standard output"
                                             : absl::StrCat("\"", path_, "\""),
                                " cannot be written: ", what));
}

}  // namespace troupe
