// The ArtifactStore keeps fitted things on disk, as files named by the SHA-256
// of their bytes. Stages hold them in caches only; this is where they live.
//
// Thread safety: all methods may be called from any thread. All of them read or
// write files: never call them on a gRPC thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace troupe {

class ArtifactStore {
 public:
  // Uses `directory` and makes it where it is missing. Temporary files of a
  // process that died are removed.
  static absl::StatusOr<ArtifactStore> Open(const std::string& directory);

  // Stores `content` and returns its SHA-256. When this returns, the artifact
  // outlives a power failure (file and directory are synced). Idempotent.
  absl::StatusOr<std::string> Put(absl::string_view content) const;

  // Returns the bytes. NOT_FOUND (ARTIFACT_NOT_FOUND); DATA_LOSS
  // (ARTIFACT_CORRUPT) when the file does not match its name;
  // INVALID_ARGUMENT when `sha256` is no digest.
  absl::StatusOr<std::string> Read(absl::string_view sha256) const;

  bool Contains(absl::string_view sha256) const;

  // Removes an artifact. OK also where there is none.
  absl::Status Remove(absl::string_view sha256) const;

  // The digests of all artifacts, sorted.
  absl::StatusOr<std::vector<std::string>> List() const;

 private:
  explicit ArtifactStore(std::string directory);
  std::string PathOf(absl::string_view sha256) const;

  std::string directory_;
};

}  // namespace troupe
