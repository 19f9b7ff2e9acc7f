// The UploadStore keeps files that only a client has, decompressed, until the
// last job that uses them is deleted, or for a day. Their files are in uploads/
// of the state directory, each known to the database before it is there.
//
// Thread safety: all methods may be called from any thread. An Upload belongs
// to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/coordinator/state/database.h"

namespace troupe {

// A stored upload.
struct StoredUpload {
  std::string id;
  std::string name;  // What the user calls the file.
  std::string path;
  int64_t bytes = 0;
};

class UploadStore {
 public:
  // An upload while it is written. Destroyed before Finish, it leaves nothing.
  class Writer {
   public:
    ~Writer();
    // RESOURCE_EXHAUSTED (UPLOAD_TOO_LARGE).
    absl::Status Append(absl::string_view content);
    // Syncs and records it.
    absl::StatusOr<StoredUpload> Finish(absl::Time now);

   private:
    friend class UploadStore;
    Writer(UploadStore* store, StoredUpload upload, int fd)
        : store_(store), upload_(std::move(upload)), fd_(fd) {}

    UploadStore* const store_;
    StoredUpload upload_;
    int fd_;
    bool finished_ = false;
  };

  // Forgets what a process that died was about to take. `database` must live as
  // long as this object.
  static absl::StatusOr<std::unique_ptr<UploadStore>> Open(Database* database,
                                                           int64_t max_bytes);

  absl::StatusOr<std::unique_ptr<Writer>> Begin(const std::string& name);

  // NOT_FOUND (UPLOAD_NOT_FOUND).
  absl::StatusOr<StoredUpload> Get(absl::string_view id);

  // Within a transaction: keeps an upload for as long as `job` is there;
  // several jobs may use one. UPLOAD_NOT_FOUND.
  static absl::Status Claim(Connection& connection, absl::string_view id,
                            absl::string_view job);

  // Within a transaction: `job` needs its uploads no more. What no other job
  // uses is garbage from then on.
  static absl::Status Release(Connection& connection, absl::string_view job);

  // Lets uploads that no job uses and that were made before `before` be
  // garbage.
  absl::Status ReleaseUnclaimed(absl::Time before);

 private:
  UploadStore(Database* database, int64_t max_bytes)
      : database_(database),
        directory_(database->directory() + "/uploads"),
        max_bytes_(max_bytes) {}

  std::string PathOf(absl::string_view id) const;

  Database* const database_;
  const std::string directory_;
  const int64_t max_bytes_;
};

// A new id: 12 hex digits from the system's random source.
std::string NewId();

// Reads `bytes` bytes (fewer at the end) of a file from `offset` on.
absl::StatusOr<std::string> ReadFileRange(const std::string& path,
                                          int64_t offset, int64_t bytes);

}  // namespace troupe
