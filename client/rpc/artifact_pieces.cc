#include "client/rpc/artifact_pieces.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"

namespace troupe {

absl::Status ArtifactPieces::Add(absl::string_view piece) {
  if (static_cast<int64_t>(piece.size()) > max_bytes_ - bytes())
    return BeyondMaxArtifactBytes(max_bytes_);
  artifact_.append(piece.data(), piece.size());
  hash_.Update(piece);
  return absl::OkStatus();
}

absl::StatusOr<std::string> ArtifactPieces::Finish(int64_t bytes,
                                                   absl::string_view sha256) {
  if (bytes != this->bytes())
    return MakeError(absl::StatusCode::kInternal, "BAD_REPLY",
                     absl::StrCat("of an artifact of ", bytes, " bytes ",
                                  this->bytes(), " arrived"));
  if (hash_.Finish() != sha256)
    return MakeError(absl::StatusCode::kInternal, "BAD_REPLY",
                     "an artifact arrived with other bytes than it was sent "
                     "with: its SHA-256 differs");
  return std::move(artifact_);
}

absl::Status BeyondMaxArtifactBytes(int64_t max_bytes) {
  return ArtifactTooLarge(max_bytes, "--max_artifact_bytes of the coordinator");
}

}  // namespace troupe
