// ArtifactPieces puts together what was fitted from the pieces that it comes
// in, up to a number of bytes.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/host/sha256.h"

namespace troupe {

class ArtifactPieces {
 public:
  explicit ArtifactPieces(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // Appends the next bytes. RESOURCE_EXHAUSTED (ARTIFACT_TOO_LARGE), naming
  // --max_artifact_bytes, before there are more than allowed.
  absl::Status Add(absl::string_view piece);

  int64_t bytes() const { return static_cast<int64_t>(artifact_.size()); }

  // Hands over the whole. INTERNAL (BAD_REPLY) where it has not so many bytes
  // or another SHA-256. Ends the object's use.
  absl::StatusOr<std::string> Finish(int64_t bytes, absl::string_view sha256);

 private:
  const int64_t max_bytes_;
  std::string artifact_;
  Sha256 hash_;
};

// The error of ArtifactPieces where an artifact is larger than `max_bytes`.
absl::Status BeyondMaxArtifactBytes(int64_t max_bytes);

}  // namespace troupe
