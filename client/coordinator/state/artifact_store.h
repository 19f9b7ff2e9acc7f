// The ArtifactStore keeps fitted things on disk, as files named by the SHA-256
// of their bytes. Stages hold them in caches only; this is where they live.
//
// Thread safety: all methods may be called from any thread. All of them read or
// write files: never call them on a gRPC thread.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/coordinator/state/storage.h"
#include "services/base/mutex.h"

namespace troupe {

class ArtifactStore {
 public:
  // Uses `directory` and makes it where it is missing. What a process that died
  // was about to put is removed.
  static absl::StatusOr<ArtifactStore> Open(const std::string& directory);

  // Stores `content` and returns its SHA-256. When this returns, the artifact
  // outlives a power failure (file and directory are synced). Idempotent. An
  // error of `may_go_on` ends it, and nothing is stored.
  absl::StatusOr<std::string> Put(
      absl::string_view content,
      const MayGoOn& may_go_on = [] { return absl::OkStatus(); }) const;

  // Returns the bytes. NOT_FOUND (ARTIFACT_NOT_FOUND); DATA_LOSS
  // (ARTIFACT_CORRUPT) when the file does not match its name;
  // INVALID_ARGUMENT when `sha256` is no digest.
  absl::StatusOr<std::string> Read(absl::string_view sha256) const;

  // A piece of it, at most `bytes`, empty at the end, and its whole size.
  // Errors as Read, but for the digest.
  struct Piece {
    std::string content;
    int64_t whole_bytes = 0;
  };
  absl::StatusOr<Piece> ReadPiece(absl::string_view sha256, int64_t offset,
                                  int64_t bytes) const;

  bool Contains(absl::string_view sha256) const;

  // --- For the collection of garbage (garbage.h) -----------------------------
  // What was put and not said to be Named since: whoever put it may be about to
  // name it.
  std::vector<std::string> Fresh() const;
  void Named(const std::string& sha256) const;
  // Removes an artifact; false, and nothing is done, when it is fresh. True
  // also where there is none.
  absl::StatusOr<bool> RemoveUnlessFresh(const std::string& sha256) const;

 private:
  explicit ArtifactStore(std::string directory);
  std::string PathOf(absl::string_view sha256) const;

  // Which artifacts somebody writes or removes: neither crosses the other.
  struct Hands {
    Mutex mutex;
    CondVar changed;
    std::set<std::string> fresh ABSL_GUARDED_BY(mutex);
    std::set<std::string> going ABSL_GUARDED_BY(mutex);
  };

  std::string directory_;
  std::shared_ptr<Hands> hands_ = std::make_shared<Hands>();
};

}  // namespace troupe
