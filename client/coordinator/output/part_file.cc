#include "client/coordinator/output/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/state/storage.h"
#include "services/base/crc32c.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// Bytes read at once; what a slow disk takes for it, a cancel waits.
constexpr int64_t kPiece = int64_t{1} << 20;
// So much at most is read again after a restart.
constexpr int64_t kDigestEvery = int64_t{16} << 20;

// A file shorter than that stays in the system's cache.
constexpr int64_t kCachedBytes = int64_t{64} << 20;

// Reads `bytes` bytes from `offset` on; fewer where the file ends.
absl::StatusOr<std::string> ReadAt(int fd, int64_t offset, int64_t bytes,
                                   const std::string& path) {
  std::string text(static_cast<size_t>(bytes), '\0');
  size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = pread(fd, text.data() + filled, text.size() - filled,
                              offset + static_cast<int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return StorageError(errno, "read", path);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  text.resize(filled);
  return text;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PartFile>> PartFile::Create(
    const std::string& directory, const std::string& name, mode_t mode) {
  std::string path = absl::StrCat(directory, "/", name);
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return StorageError(errno, "make", path);
  fchmod(fd, mode);  // Whatever the process masks.
  return std::unique_ptr<PartFile>(new PartFile(std::move(path), name, fd));
}

absl::StatusOr<PartFile::Reopened> PartFile::Reopen(
    const std::string& directory, const std::string& name, mode_t mode,
    const std::vector<Range>& ranges, const MayGoOn& may_go_on) {
  std::string path = absl::StrCat(directory, "/", name);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return StorageError(errno, "open", path);
  fchmod(fd, mode);
  Reopened reopened;
  reopened.file.reset(new PartFile(std::move(path), name, fd));
  PartFile& file = *reopened.file;
  const int64_t there = lseek(fd, 0, SEEK_END);
  reopened.good = file.TakeVouchedFor(ranges, there);
  while (reopened.good < ranges.size()) {
    ASSIGN_OR_RETURN(const bool good,
                     file.TakeRange(ranges[reopened.good], there, may_go_on));
    if (!good) break;
    ++reopened.good;
  }
  if (ftruncate(fd, file.bytes_) != 0)
    return StorageError(errno, "cut", file.path_);
  if (lseek(fd, file.bytes_, SEEK_SET) < 0)
    return StorageError(errno, "seek in", file.path_);
  file.synced_ = false;
  return reopened;
}

PartFile::~PartFile() {
  if (fd_ >= 0) close(fd_);
}

// Counts the ranges up to the last digest within the file. Returns how many.
size_t PartFile::TakeVouchedFor(const std::vector<Range>& ranges,
                                int64_t there) {
  for (size_t count = ranges.size(); count > 0; --count) {
    const Range& last = ranges[count - 1];
    if (last.digest.empty() || last.end > there) continue;
    auto digest = ResumableSha256::Resume(last.digest, last.end);
    if (!digest.has_value()) continue;
    digest_ = *std::move(digest);
    bytes_ = digest_taken_ = last.end;
    for (size_t i = 0; i < count; ++i) rows_ += ranges[i].rows;
    return count;
  }
  return 0;
}

// Counts a range that is in the file, if it is as it was written.
absl::StatusOr<bool> PartFile::TakeRange(const Range& range, int64_t there,
                                         const MayGoOn& may_go_on) {
  // The journal is not believed further than the file goes.
  if (range.end < bytes_ || range.end > there) return false;
  ResumableSha256 digest = digest_;
  uint32_t crc32c = 0;
  for (int64_t at = bytes_; at < range.end;) {
    RETURN_IF_ERROR(may_go_on());
    ASSIGN_OR_RETURN(const std::string text,
                     ReadAt(fd_, at, std::min(kPiece, range.end - at), path_));
    if (text.empty()) return false;
    crc32c = ExtendCrc32c(crc32c, text);
    digest.Update(text);
    at += static_cast<int64_t>(text.size());
  }
  if (crc32c != range.crc32c) return false;
  digest_ = std::move(digest);
  bytes_ = range.end;
  rows_ += range.rows;
  return true;
}

absl::Status PartFile::Append(absl::Span<const absl::string_view> pieces,
                              int64_t rows) {
  synced_ = false;
  RETURN_IF_ERROR(WriteAll(fd_, pieces, path_));
  BeginWriting(fd_, bytes_);
  for (const absl::string_view piece : pieces) {
    digest_.Update(piece);
    crc32c_ = ExtendCrc32c(crc32c_, piece);
    bytes_ += static_cast<int64_t>(piece.size());
  }
  rows_ += rows;
  return absl::OkStatus();
}

uint32_t PartFile::TakeCrc32c() { return std::exchange(crc32c_, 0); }

std::string PartFile::TakeDigest(bool closes) {
  const bool due = bytes_ - digest_taken_ >= kDigestEvery;
  // Of a short part nothing is gained by it.
  if (!due && !(closes && bytes_ >= kDigestEvery)) return "";
  digest_taken_ = bytes_;
  return digest_.Save();
}

void PartFile::Sync() {
  if (synced_) return;
  SyncFile(fd_, path_);
  synced_ = true;
  if (bytes_ < kCachedBytes) return;
  posix_fadvise(fd_, forgotten_, bytes_ - forgotten_, POSIX_FADV_DONTNEED);
  forgotten_ = bytes_;
}

absl::StatusOr<pb::Part> PartFile::Finish() {
  Sync();
  if (close(std::exchange(fd_, -1)) != 0)
    return StorageError(errno, "close", path_);
  pb::Part part;
  part.set_name(name_);
  part.set_bytes(bytes_);
  part.set_rows(rows_);
  part.set_sha256(digest_.HexDigest());
  return part;
}

}  // namespace troupe
