#include "services/host/artifact_put.h"

#include <memory>
#include <string>
#include <utility>

#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"

namespace troupe {

absl::StatusOr<pb::PutArtifactResponse> PutArtifact(Stage& stage,
                                                    MessageStream& chunks) {
  const auto max_bytes = static_cast<size_t>(stage.artifacts().max_bytes());
  std::string named;
  std::string bytes;
  Sha256 hash;
  pb::ArtifactChunk chunk;
  while (true) {
    ASSIGN_OR_RETURN(auto next, chunks.Next());
    if (!next.has_value()) break;
    RETURN_IF_ERROR(ParseBytes(*next, chunk));
    if (named.empty()) named = chunk.sha256();
    if (!IsSha256Hex(named))
      return ArtifactCorrupt("the first chunk names no SHA-256");
    if (!chunk.sha256().empty() && chunk.sha256() != named)
      return ArtifactCorrupt("its chunks name different digests");
    if (chunk.content().size() > max_bytes - bytes.size())
      return ArtifactTooLarge(stage.artifacts().max_bytes(),
                              kArtifactCacheLimit);
    hash.Update(chunk.content());
    bytes += chunk.content();
  }
  if (named.empty()) return ArtifactCorrupt("it has no chunks");
  if (hash.Finish() != named)
    return ArtifactCorrupt("its bytes do not have the digest that it names");

  pb::PutArtifactResponse response;
  const auto size = static_cast<int64_t>(bytes.size());
  response.set_bytes(size);
  stage.isolation().OfferArtifact(named, bytes);
  ASSIGN_OR_RETURN(std::shared_ptr<const Artifact> artifact,
                   stage.LoadArtifact(std::move(bytes)));
  RETURN_IF_ERROR(stage.artifacts().Put(named, size, std::move(artifact)));
  return response;
}

}  // namespace troupe
