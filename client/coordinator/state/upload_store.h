// The UploadStore keeps files that only a client has, decompressed, until the
// last job that uses them is deleted, or for a day. Their files are in uploads/
// of the state directory, each known to the database before it is there.
//
// Thread safety: all methods may be called from any thread. An Upload belongs
// to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/coordinator/state/database.h"
#include "client/coordinator/state/state_meter.h"
#include "proto/pb.h"
#include "services/base/mutex.h"
#include "services/host/sha256.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// A stored upload.
struct StoredUpload {
  std::string id;
  std::string name;  // What the user calls the file.
  std::string path;
  int64_t bytes = 0;
  std::string sha256;  // Of what Finish returns.
};

class UploadStore {
 public:
  // An upload while it is written. Destroyed before Finish, it leaves nothing.
  class Writer {
   public:
    ~Writer();
    // Takes the content of a message, or the caller's last word in it.
    // RESOURCE_EXHAUSTED (UPLOAD_TOO_LARGE, DISK_FULL), DEADLINE_EXCEEDED
    // (UPLOAD_IDLE: AbandonIdle was here), DATA_LOSS (UPLOAD_INCOMPLETE: there
    // was a last word already).
    absl::Status Take(const pb::UploadRequest& piece);
    // Syncs and records it. DATA_LOSS (UPLOAD_INCOMPLETE) when the last word
    // says something else than what came.
    absl::StatusOr<StoredUpload> Finish();

   private:
    friend class UploadStore;
    Writer(UploadStore* store, StoredUpload upload, int fd);
    absl::Status Append(absl::string_view content);
    absl::Status CheckEnd();

    UploadStore* const store_;
    StoredUpload upload_;
    int fd_;
    Sha256 digest_;
    std::optional<pb::UploadEnd> end_;
    bool finished_ = false;
    // Under the store's mutex.
    absl::Duration heard_;  // Database::Lived, when something came.
    bool abandoned_ = false;
  };

  // Forgets what a process that died was about to take. `database` and `meter`
  // (which says whether there is room; null: there is) must live as long as
  // this object.
  static absl::StatusOr<std::unique_ptr<UploadStore>> Open(
      Database* database, int64_t max_bytes, const StateMeter* meter = nullptr);

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

  // Frees what broken uploads hold, of whose callers nothing was heard for
  // `after`.
  void AbandonIdle(absl::Duration after);

  // A page of what is whole. BAD_SPEC for a token that this did not return.
  absl::StatusOr<pb::ListUploadsResponse> List(
      const pb::ListUploadsRequest& request);

  // Lets an upload be garbage. Idempotent. FAILED_PRECONDITION (UPLOAD_IN_USE).
  absl::Status Delete(absl::string_view id);

  // Lets uploads that no job uses and that were made more than `after` of lived
  // time ago (Database::Lived) be garbage.
  absl::Status ReleaseUnclaimed(absl::Duration after);

 private:
  UploadStore(Database* database, int64_t max_bytes, const StateMeter* meter)
      : database_(database),
        meter_(meter),
        directory_(database->directory() + "/uploads"),
        max_bytes_(max_bytes) {}

  std::string PathOf(absl::string_view id) const;

  Database* const database_;
  const StateMeter* const meter_;
  const std::string directory_;
  const int64_t max_bytes_;
  Mutex mutex_;
  std::set<Writer*> writers_ ABSL_GUARDED_BY(mutex_);
};

// A new id: 12 hex digits from the system's random source.
std::string NewId();

// Reads `bytes` bytes (fewer at the end) of a file from `offset` on.
absl::StatusOr<std::string> ReadFileRange(const std::string& path,
                                          int64_t offset, int64_t bytes);

}  // namespace troupe
