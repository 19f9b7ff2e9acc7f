#include "client/coordinator/state/upload_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/coordinator/state/page.h"
#include "client/coordinator/state/storage.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

absl::Status UploadNotFound(absl::string_view id) {
  return MakeError(
      absl::StatusCode::kNotFound, "UPLOAD_NOT_FOUND",
      absl::StrCat("no upload \"", id, "\"; uploads are kept for a day"));
}

absl::Status UploadIncomplete(absl::string_view why) {
  return MakeError(
      absl::StatusCode::kDataLoss, "UPLOAD_INCOMPLETE",
      absl::StrCat("the upload is not whole: ", why, "; send it again"));
}

// Forgets the uploads that `condition` names, whose files go with them.
template <typename Value>
absl::Status ForgetUploads(Connection& connection, const std::string& condition,
                           const Value& value) {
  for (const char* what :
       {"INSERT OR IGNORE INTO garbage SELECT 'uploads/' || id FROM uploads",
        "DELETE FROM uploads"}) {
    ASSIGN_OR_RETURN(Statement forget, connection.Prepare(absl::StrCat(
                                           what, " WHERE ", condition)));
    RETURN_IF_ERROR(forget.Bind(value).Execute());
  }
  return absl::OkStatus();
}

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

UploadStore::Writer::Writer(UploadStore* store, StoredUpload upload, int fd)
    : store_(store),
      upload_(std::move(upload)),
      fd_(fd),
      heard_(store->database_->Lived()) {
  MutexLock lock(&store_->mutex_);
  store_->writers_.insert(this);
}

UploadStore::Writer::~Writer() {
  {
    MutexLock lock(&store_->mutex_);
    store_->writers_.erase(this);
  }
  if (fd_ >= 0) close(fd_);
  if (finished_) return;
  // The row of what is arriving stays where this fails: the next start knows.
  unlink(upload_.path.c_str());
  store_->database_
      ->Run([&](Connection& connection) -> absl::Status {
        ASSIGN_OR_RETURN(
            Statement remove,
            connection.Prepare("DELETE FROM uploads WHERE id = ?"));
        return remove.Bind(upload_.id).Execute();
      })
      .IgnoreError();
}

absl::Status UploadStore::Writer::Take(const pb::UploadRequest& piece) {
  const absl::Duration now = store_->database_->Lived();
  {
    MutexLock lock(&store_->mutex_);
    if (abandoned_)
      return MakeError(
          absl::StatusCode::kDeadlineExceeded, "UPLOAD_IDLE",
          "nothing of the upload came for too long; send it again");
    heard_ = now;
  }
  if (end_.has_value()) return UploadIncomplete("something follows its end");
  if (piece.has_end()) end_ = piece.end();
  return Append(piece.content());
}

absl::Status UploadStore::Writer::Append(absl::string_view content) {
  upload_.bytes += static_cast<int64_t>(content.size());
  if (upload_.bytes > store_->max_bytes_)
    return MakeError(
        absl::StatusCode::kResourceExhausted, "UPLOAD_TOO_LARGE",
        absl::StrCat("the upload is larger than ", store_->max_bytes_,
                     " bytes; put the file below the loader's roots, or raise "
                     "--max_upload_bytes"));
  if (store_->meter_ != nullptr)
    RETURN_IF_ERROR(
        store_->meter_->RoomForUpload(static_cast<int64_t>(content.size())));
  digest_.Update(content);
  return WriteAll(fd_, content, upload_.path);
}

absl::Status UploadStore::Writer::CheckEnd() {
  upload_.sha256 = digest_.Finish();
  if (!end_.has_value()) return absl::OkStatus();
  if (end_->bytes() != upload_.bytes)
    return UploadIncomplete(absl::StrCat(upload_.bytes, " bytes came of ",
                                         end_->bytes(), " that were sent"));
  return upload_.sha256 == end_->sha256()
             ? absl::OkStatus()
             : UploadIncomplete("its SHA-256 is not the one that was sent");
}

absl::StatusOr<StoredUpload> UploadStore::Writer::Finish() {
  RETURN_IF_ERROR(CheckEnd());
  const int64_t made = absl::ToInt64Seconds(store_->database_->Lived());
  SyncFile(fd_, upload_.path);
  close(std::exchange(fd_, -1));
  RETURN_IF_ERROR(SyncDirectory(store_->directory_));
  RETURN_IF_ERROR(store_->database_->Run([&](Connection& connection)
                                             -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement arrived,
        connection.Prepare("UPDATE uploads SET bytes = ?, made = ?,"
                           " arriving = 0 WHERE id = ?"));
    return arrived.Bind(upload_.bytes).Bind(made).Bind(upload_.id).Execute();
  }));
  finished_ = true;
  return upload_;
}

absl::StatusOr<std::unique_ptr<UploadStore>> UploadStore::Open(
    Database* database, int64_t max_bytes, const StateMeter* meter) {
  std::unique_ptr<UploadStore> store(
      new UploadStore(database, max_bytes, meter));
  RETURN_IF_ERROR(MakeDirectory(store->directory_));
  RETURN_IF_ERROR(database->Run([](Connection& connection) {
    return ForgetUploads(connection, "arriving <> ?", int64_t{0});
  }));
  return store;
}

std::string UploadStore::PathOf(absl::string_view id) const {
  return absl::StrCat(directory_, "/", id);
}

absl::StatusOr<std::unique_ptr<UploadStore::Writer>> UploadStore::Begin(
    const std::string& name) {
  StoredUpload upload;
  upload.id = NewId();
  upload.name = name;
  upload.path = PathOf(upload.id);
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement insert,
        connection.Prepare("INSERT INTO uploads VALUES (?, ?, 0, 0, 1)"));
    return insert.Bind(upload.id).Bind(name).Execute();
  }));
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
        connection.Prepare("SELECT id, name, bytes FROM uploads WHERE"
                           " id = ? AND arriving = 0"));
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
  ASSIGN_OR_RETURN(Statement insert,
                   connection.Prepare("INSERT OR REPLACE INTO upload_claims"
                                      " SELECT id, ? FROM uploads WHERE id = ?"
                                      " AND arriving = 0"));
  RETURN_IF_ERROR(insert.Bind(job).Bind(id).Execute());
  return connection.changes() == 1 ? absl::OkStatus() : UploadNotFound(id);
}

absl::Status UploadStore::Release(Connection& connection,
                                  absl::string_view job) {
  RETURN_IF_ERROR(ForgetUploads(
      connection,
      "id IN (SELECT upload FROM upload_claims WHERE job = ?1) AND"
      " id NOT IN (SELECT upload FROM upload_claims WHERE job <> ?1)",
      job));
  ASSIGN_OR_RETURN(
      Statement release,
      connection.Prepare("DELETE FROM upload_claims WHERE job = ?"));
  return release.Bind(job).Execute();
}

void UploadStore::AbandonIdle(absl::Duration after) {
  const absl::Duration before = database_->Lived() - after;
  std::vector<int> files;
  {
    MutexLock lock(&mutex_);
    for (Writer* writer : writers_) {
      if (writer->abandoned_ || writer->heard_ > before) continue;
      writer->abandoned_ = true;
      files.push_back(dup(writer->fd_));
    }
  }
  // Its caller may never come back to close it.
  for (const int file : files) {
    if (ftruncate(file, 0) != 0)
      LogError("a broken upload keeps its space",
               StorageError(errno, "cut", directory_));
    close(file);
  }
}

absl::StatusOr<pb::ListUploadsResponse> UploadStore::List(
    const pb::ListUploadsRequest& request) {
  const int64_t page_size = PageSize(request.page_size());
  pb::ListUploadsResponse response;
  RETURN_IF_ERROR(database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement select,
        connection.Prepare("SELECT id, name, bytes FROM uploads WHERE id > ?"
                           " AND arriving = 0 ORDER BY id LIMIT ?"));
    select.Bind(request.page_token()).Bind(page_size + 1);
    while (true) {
      ASSIGN_OR_RETURN(const bool found, select.Next());
      if (!found) return absl::OkStatus();
      if (response.uploads_size() == page_size) {
        response.set_next_page_token(response.uploads().rbegin()->id());
        return absl::OkStatus();
      }
      pb::StoredUpload& upload = *response.add_uploads();
      upload.set_id(select.Bytes(0));
      upload.set_name(select.Bytes(1));
      upload.set_bytes(select.Int(2));
      ASSIGN_OR_RETURN(
          Statement claims,
          connection.Prepare("SELECT job FROM upload_claims WHERE upload = ?"
                             " LIMIT 100"));
      claims.Bind(upload.id());
      while (true) {
        ASSIGN_OR_RETURN(const bool claimed, claims.Next());
        if (!claimed) break;
        upload.add_jobs(claims.Bytes(0));
      }
    }
  }));
  return response;
}

absl::Status UploadStore::Delete(absl::string_view id) {
  return database_->Run([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement claims,
        connection.Prepare(
            "SELECT job FROM upload_claims WHERE upload = ? LIMIT 1"));
    ASSIGN_OR_RETURN(const bool claimed, claims.Bind(id).Next());
    if (claimed)
      return MakeError(absl::StatusCode::kFailedPrecondition, "UPLOAD_IN_USE",
                       absl::StrCat("job \"", claims.Bytes(0),
                                    "\" reads the upload; delete it first"));
    return ForgetUploads(connection, "arriving = 0 AND id = ?", id);
  });
}

absl::Status UploadStore::ReleaseUnclaimed(absl::Duration after) {
  const absl::Duration before = database_->Lived() - after;
  return database_->Run([&](Connection& connection) {
    return ForgetUploads(connection,
                         "arriving = 0 AND made < ? AND"
                         " id NOT IN (SELECT upload FROM upload_claims)",
                         absl::ToInt64Seconds(before));
  });
}

}  // namespace troupe
