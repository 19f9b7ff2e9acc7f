#include "client/coordinator/state/artifact_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/coordinator/state/storage.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kTemporary = ".tmp";
constexpr size_t kPiece = size_t{1} << 20;

absl::Status SystemError(absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " \"", path, "\""));
}

// A file descriptor that is closed in the end.
class File {
 public:
  File(const std::string& path, int flags)
      : descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }
  bool open_failed() const { return descriptor_ < 0; }

 private:
  const int descriptor_;
};

// Hands the bytes over piece by piece.
absl::Status ForEachPiece(
    absl::string_view bytes, const MayGoOn& may_go_on,
    absl::FunctionRef<absl::Status(absl::string_view)> take) {
  for (size_t at = 0; at < bytes.size(); at += kPiece) {
    RETURN_IF_ERROR(may_go_on());
    RETURN_IF_ERROR(take(bytes.substr(at, kPiece)));
  }
  return absl::OkStatus();
}

absl::Status WriteSynced(const std::string& path, absl::string_view bytes,
                         const MayGoOn& may_go_on) {
  const File file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (file.open_failed()) return StorageError(errno, "make", path);
  int64_t written = 0;
  RETURN_IF_ERROR(ForEachPiece(bytes, may_go_on, [&](absl::string_view piece) {
    const int64_t offset = written;
    written += static_cast<int64_t>(piece.size());
    absl::Status status = WriteAll(file.get(), piece, path);
    if (status.ok()) BeginWriting(file.get(), offset);
    return status;
  }));
  SyncFile(file.get(), path);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  const File file(path, O_RDONLY);
  if (file.open_failed()) return SystemError("cannot open", path);
  struct stat found = {};
  if (fstat(file.get(), &found) != 0) return SystemError("cannot read", path);
  std::string bytes;
  bytes.reserve(static_cast<size_t>(found.st_size));  // No copies on the way.
  std::string piece(size_t{1} << 20, '\0');
  while (true) {
    const ssize_t got = read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("cannot read", path);
    if (got == 0) return bytes;
    bytes.append(piece, 0, static_cast<size_t>(got));
  }
}

absl::Status ArtifactNotFound(absl::string_view sha256) {
  return MakeError(absl::StatusCode::kNotFound, "ARTIFACT_NOT_FOUND",
                   absl::StrCat("no artifact ", sha256, " in the store"),
                   {{"sha256", std::string(sha256)}});
}

absl::Status NoDigest(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text.substr(0, 100), "\" is no SHA-256"));
}

}  // namespace

ArtifactStore::ArtifactStore(std::string directory)
    : directory_(std::move(directory)) {}

absl::StatusOr<ArtifactStore> ArtifactStore::Open(
    const std::string& directory) {
  RETURN_IF_ERROR(MakeDirectory(directory));
  std::error_code error;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator entry(directory, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (absl::EndsWith(name, kTemporary) &&
        IsSha256Hex(name.substr(0, name.find('.'))))
      leftovers.push_back(entry->path());
  }
  for (const fs::path& path : leftovers) fs::remove(path, error);
  return ArtifactStore(directory);
}

std::string ArtifactStore::PathOf(absl::string_view sha256) const {
  return absl::StrCat(directory_, "/", sha256);
}

absl::StatusOr<std::string> ArtifactStore::Put(absl::string_view content,
                                               const MayGoOn& may_go_on) const {
  static std::atomic<int64_t> counter = 0;
  Sha256 digest;
  RETURN_IF_ERROR(
      ForEachPiece(content, may_go_on, [&](absl::string_view piece) {
        digest.Update(piece);
        return absl::OkStatus();
      }));
  std::string sha256 = digest.Finish();
  const std::string path = PathOf(sha256);
  {
    MutexLock lock(&hands_->mutex);
    while (hands_->going.contains(sha256)) hands_->changed.Wait(&hands_->mutex);
    hands_->fresh.insert(sha256);
  }
  // Written again even where it exists: what is there may have rotted.
  const std::string temporary =
      absl::StrCat(path, ".", getpid(), ".", counter++, kTemporary);
  absl::Status status = WriteSynced(temporary, content, may_go_on);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0)
    status = StorageError(errno, "rename", temporary);
  if (status.ok()) status = SyncDirectory(directory_);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return sha256;
}

absl::StatusOr<std::string> ArtifactStore::Read(
    absl::string_view sha256) const {
  if (!IsSha256Hex(sha256)) return NoDigest(sha256);
  absl::StatusOr<std::string> bytes = ReadAll(PathOf(sha256));
  if (absl::IsNotFound(bytes.status())) return ArtifactNotFound(sha256);
  if (bytes.ok() && Sha256Hex(*bytes) != sha256)
    return MakeError(absl::StatusCode::kDataLoss, "ARTIFACT_CORRUPT",
                     absl::StrCat("the stored artifact ", sha256,
                                  " does not match its digest"),
                     {{"sha256", std::string(sha256)}});
  return bytes;
}

absl::StatusOr<ArtifactStore::Piece> ArtifactStore::ReadPiece(
    absl::string_view sha256, int64_t offset, int64_t bytes) const {
  if (!IsSha256Hex(sha256) || offset < 0) return NoDigest(sha256);
  const File file(PathOf(sha256), O_RDONLY);
  if (file.open_failed()) return ArtifactNotFound(sha256);
  struct stat found = {};
  if (fstat(file.get(), &found) != 0)
    return SystemError("cannot read", PathOf(sha256));
  Piece piece;
  piece.whole_bytes = static_cast<int64_t>(found.st_size);
  piece.content.resize(static_cast<size_t>(
      std::max<int64_t>(0, std::min(bytes, piece.whole_bytes - offset))));
  const ssize_t got =
      pread(file.get(), piece.content.data(), piece.content.size(), offset);
  if (got < 0) return SystemError("cannot read", PathOf(sha256));
  piece.content.resize(static_cast<size_t>(got));
  return piece;
}

bool ArtifactStore::Contains(absl::string_view sha256) const {
  return IsSha256Hex(sha256) && access(PathOf(sha256).c_str(), R_OK) == 0;
}

std::vector<std::string> ArtifactStore::Fresh() const {
  MutexLock lock(&hands_->mutex);
  return {hands_->fresh.begin(), hands_->fresh.end()};
}

void ArtifactStore::Named(const std::string& sha256) const {
  MutexLock lock(&hands_->mutex);
  hands_->fresh.erase(sha256);
}

absl::StatusOr<bool> ArtifactStore::RemoveUnlessFresh(
    const std::string& sha256) const {
  if (!IsSha256Hex(sha256)) return NoDigest(sha256);
  {
    MutexLock lock(&hands_->mutex);
    if (hands_->fresh.contains(sha256)) return false;
    hands_->going.insert(sha256);
  }
  const bool gone = unlink(PathOf(sha256).c_str()) == 0 || errno == ENOENT;
  const absl::Status status =
      gone ? absl::OkStatus() : SystemError("cannot remove", PathOf(sha256));
  MutexLock lock(&hands_->mutex);
  hands_->going.erase(sha256);
  hands_->changed.NotifyAll();
  RETURN_IF_ERROR(status);
  return true;
}

}  // namespace troupe
