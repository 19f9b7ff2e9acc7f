#include "client/coordinator/state/upload_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/coordinator/state/storage.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

absl::Status UploadNotFound(absl::string_view id) {
  return MakeError(
      absl::StatusCode::kNotFound, "UPLOAD_NOT_FOUND",
      absl::StrCat("no upload \"", id, "\"; uploads are kept for a day"));
}

constexpr char kUploadTables[] =
    "CREATE TABLE IF NOT EXISTS uploads ("
    "  id TEXT PRIMARY KEY, name TEXT NOT NULL, bytes INTEGER NOT NULL,"
    "  made INTEGER NOT NULL, job TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS upload_claims ("
    "  upload TEXT NOT NULL, job TEXT NOT NULL, PRIMARY KEY (upload, job));"
    // Older state directories knew one job for each upload.
    "INSERT OR IGNORE INTO upload_claims"
    "  SELECT id, job FROM uploads WHERE job <> '';"
    "UPDATE uploads SET job = '' WHERE job <> '';";

}  // namespace

std::string NewId() {
  std::random_device random;
  return absl::StrFormat("%08x%04x", random(), random() & 0xffff);
}

absl::StatusOr<std::string> ReadFileRange(const std::string& path,
                                          int64_t offset, int64_t bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return StorageError(errno, "open", path);
  std::string text(static_cast<size_t>(bytes), '\0');
  size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = pread(fd, text.data() + filled, text.size() - filled,
                              offset + static_cast<int64_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const absl::Status error = StorageError(errno, "read", path);
      close(fd);
      return error;
    }
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  close(fd);
  text.resize(filled);
  return text;
}

UploadStore::Writer::~Writer() {
  if (fd_ >= 0) close(fd_);
  if (!finished_) unlink(upload_.path.c_str());
}

absl::Status UploadStore::Writer::Append(absl::string_view content) {
  upload_.bytes += static_cast<int64_t>(content.size());
  if (upload_.bytes > store_->max_bytes_)
    return MakeError(
        absl::StatusCode::kResourceExhausted, "UPLOAD_TOO_LARGE",
        absl::StrCat("the upload is larger than ", store_->max_bytes_,
                     " bytes; put the file below the loader's roots, or raise "
                     "--max_upload_bytes"));
  return WriteAll(fd_, content, upload_.path);
}

absl::StatusOr<StoredUpload> UploadStore::Writer::Finish(absl::Time now) {
  SyncFile(fd_, upload_.path);
  close(std::exchange(fd_, -1));
  RETURN_IF_ERROR(SyncDirectory(store_->directory_));
  RETURN_IF_ERROR(
      store_->database_->Run([&](Connection& connection) -> absl::Status {
        ASSIGN_OR_RETURN(
            Statement insert,
            connection.Prepare("INSERT INTO uploads VALUES (?, ?, ?, ?, '')"));
        return insert.Bind(upload_.id)
            .Bind(upload_.name)
            .Bind(upload_.bytes)
            .Bind(absl::ToUnixSeconds(now))
            .Execute();
      }));
  finished_ = true;
  return upload_;
}

absl::StatusOr<std::unique_ptr<UploadStore>> UploadStore::Open(
    Database* database, const std::string& directory, int64_t max_bytes) {
  RETURN_IF_ERROR(MakeDirectory(directory));
  RETURN_IF_ERROR(database->Run([](Connection& connection) {
    return connection.Execute(kUploadTables);
  }));
  std::unique_ptr<UploadStore> store(
      new UploadStore(database, directory, max_bytes));
  ASSIGN_OR_RETURN(const std::vector<std::string> known, store->Ids());
  RETURN_IF_ERROR(store->RemoveFilesBut(known));
  return store;
}

std::string UploadStore::PathOf(absl::string_view id) const {
  return absl::StrCat(directory_, "/", id);
}

absl::StatusOr<std::vector<std::string>> UploadStore::Ids() {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(Statement select,
                     connection.Prepare("SELECT id FROM uploads"));
    while (true) {
      ASSIGN_OR_RETURN(const bool found, select.Next());
      if (!found) return absl::OkStatus();
      ids.push_back(select.Bytes(0));
    }
  }));
  return ids;
}

absl::Status UploadStore::RemoveFilesBut(
    const std::vector<std::string>& known) {
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory_, error)) {
    const std::string name = entry.path().filename().string();
    if (std::find(known.begin(), known.end(), name) == known.end())
      std::filesystem::remove(entry.path(), error);
  }
  return absl::OkStatus();
}

absl::Status UploadStore::RemoveFiles(const std::vector<std::string>& ids) {
  std::error_code ignored;
  for (const std::string& id : ids)
    std::filesystem::remove(PathOf(id), ignored);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<UploadStore::Writer>> UploadStore::Begin(
    const std::string& name) {
  StoredUpload upload;
  upload.id = NewId();
  upload.name = name;
  upload.path = PathOf(upload.id);
  const int fd =
      open(upload.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return StorageError(errno, "make", upload.path);
  return std::unique_ptr<Writer>(new Writer(this, std::move(upload), fd));
}

absl::StatusOr<StoredUpload> UploadStore::Get(absl::string_view id) {
  StoredUpload upload;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT id, name, bytes FROM uploads WHERE id = ?"));
    ASSIGN_OR_RETURN(const bool found, select.Bind(id).Next());
    if (!found) return UploadNotFound(id);
    upload.id = select.Bytes(0);
    upload.name = select.Bytes(1);
    upload.bytes = select.Int(2);
    return absl::OkStatus();
  }));
  upload.path = PathOf(upload.id);
  return upload;
}

absl::Status UploadStore::Claim(Connection& connection, absl::string_view id,
                                absl::string_view job) {
  ASSIGN_OR_RETURN(
      Statement insert,
      connection.Prepare("INSERT OR REPLACE INTO upload_claims"
                         " SELECT id, ? FROM uploads WHERE id = ?"));
  RETURN_IF_ERROR(insert.Bind(job).Bind(id).Execute());
  return connection.changes() == 1 ? absl::OkStatus() : UploadNotFound(id);
}

absl::Status UploadStore::RemoveOf(absl::string_view job) {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement remove,
        connection.Prepare(
            "DELETE FROM uploads WHERE"
            " id IN (SELECT upload FROM upload_claims WHERE job = ?) AND"
            " id NOT IN (SELECT upload FROM upload_claims WHERE job <> ?)"
            " RETURNING id"));
    remove.Bind(job).Bind(job);
    while (true) {
      ASSIGN_OR_RETURN(const bool found, remove.Next());
      if (!found) break;
      ids.push_back(remove.Bytes(0));
    }
    ASSIGN_OR_RETURN(
        Statement release,
        connection.Prepare("DELETE FROM upload_claims WHERE job = ?"));
    return release.Bind(job).Execute();
  }));
  return RemoveFiles(ids);
}

absl::Status UploadStore::RemoveUnclaimed(absl::Time before) {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement remove,
        connection.Prepare("DELETE FROM uploads WHERE made < ? AND"
                           " id NOT IN (SELECT upload FROM upload_claims)"
                           " RETURNING id"));
    remove.Bind(absl::ToUnixSeconds(before));
    while (true) {
      ASSIGN_OR_RETURN(const bool found, remove.Next());
      if (!found) return absl::OkStatus();
      ids.push_back(remove.Bytes(0));
    }
  }));
  return RemoveFiles(ids);
}

}  // namespace troupe
