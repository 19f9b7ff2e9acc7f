#include "client/coordinator/passes/merge_call.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/rpc/artifact_pieces.h"
#include "services/base/status_macros.h"
#include "services/host/merge_pieces.h"

namespace troupe {
namespace {

std::vector<std::string> NamedBy(const pb::MergeRequest& request) {
  std::vector<std::string> artifacts;
  for (const std::string& sha256 : {request.state(), request.artifact()})
    if (!sha256.empty()) artifacts.push_back(sha256);
  return artifacts;
}

absl::Status OtherAnswer(const std::string& stage) {
  return MakeError(absl::StatusCode::kInternal, "BAD_REPLY",
                   absl::StrCat("stage ", stage,
                                " answered the same merge in two ways: its "
                                "replicas differ, or depend on more than the "
                                "message"));
}

}  // namespace

absl::StatusOr<pb::MergeResponse> CallMerge(JobContext& context,
                                            const std::string& stage,
                                            pb::MergeRequest first) {
  const int64_t max_bytes = context.limits().max_artifact_bytes;
  const std::vector<std::string> artifacts = NamedBy(first);
  // Only the last merge of a pass fits something. Its pieces go to one replica,
  // which keeps the whole.
  const std::string affinity =
      first.last() ? absl::StrCat(context.id(), "/merge") : "";
  first.set_max_piece_bytes(
      std::min(kMaxMergePieceBytes, context.limits().max_batch_bytes));
  // Shared, since it may be as large as a message, and is sent again.
  const auto request = std::make_shared<pb::MergeRequest>(std::move(first));
  const auto ask = [&] {
    return context.Call<pb::MergeResponse>(stage, stage_method::kMerge, request,
                                           artifacts, affinity);
  };
  ASSIGN_OR_RETURN(pb::MergeResponse merged, ask());
  if (FittedBytes(merged) == nullptr) return merged;
  if (merged.total_bytes() > max_bytes)
    return BeyondMaxArtifactBytes(max_bytes);
  ArtifactPieces pieces(max_bytes);
  RETURN_IF_ERROR(pieces.Add(*FittedBytes(merged)));
  while (pieces.bytes() < merged.total_bytes()) {
    request->set_offset(pieces.bytes());
    request->set_sha256(merged.sha256());
    ASSIGN_OR_RETURN(const pb::MergeResponse next, ask());
    if (next.result_case() != merged.result_case() ||
        next.total_bytes() != merged.total_bytes() ||
        next.sha256() != merged.sha256() || FittedBytes(next)->empty())
      return OtherAnswer(stage);
    RETURN_IF_ERROR(pieces.Add(*FittedBytes(next)));
  }
  ASSIGN_OR_RETURN(std::string whole,
                   pieces.Finish(merged.total_bytes(), merged.sha256()));
  if (merged.has_state()) {
    merged.set_state(std::move(whole));
  } else {
    merged.set_artifact(std::move(whole));
  }
  return merged;
}

}  // namespace troupe
