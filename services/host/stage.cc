#include "services/host/stage.h"

#include <utility>

#include "absl/flags/flag.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/artifact_put.h"
#include "services/host/fit_call.h"
#include "services/host/rpc_payload.h"
#include "services/host/text_reply.h"
#include "services/host/typed_call.h"

ABSL_FLAG(int64_t, artifact_cache_bytes, int64_t{1} << 30,
          "fitted artifacts kept in memory, bytes; the least recently used "
          "ones are dropped and put here again when needed");

namespace troupe {

Stage::Stage()
    : artifacts_(absl::GetFlag(FLAGS_artifact_cache_bytes)), isolation_([] {
        IsolationLimits limits = IsolationLimitsFromFlags();
        limits.artifact_bytes = absl::GetFlag(FLAGS_artifact_cache_bytes);
        return limits;
      }()) {}

std::vector<std::string> Stage::ActorServices() {
  return {"troupe.v1.Stage", "troupe.v1.Artifacts"};
}

absl::StatusOr<Reply> Stage::OnReceive(Message& message,
                                       const Context& context) {
  const std::string& method = message.method;
  if (method == "troupe.v1.Stage/Process")
    return CallTyped(*this, &Stage::ProcessHereOrIsolated, message, context);
  if (method == "troupe.v1.Stage/Observe")
    return CallTyped(*this, &Stage::ObserveHereOrIsolated, message, context);
  if (method == "troupe.v1.Stage/Merge")
    return CallTyped(*this, &Stage::MergeInPieces, message, context);
  if (method == "troupe.v1.Stage/Describe")
    return CallTyped(*this, &Stage::Describe, message, context);
  if (method == "troupe.v1.Stage/Fit")
    return ReceiveFit(*this, message, context);
  if (method == "troupe.v1.Artifacts/Put") {
    ASSIGN_OR_RETURN(CallStreams * chunks, StreamsOf(message));
    ASSIGN_OR_RETURN(const auto response, PutArtifact(*this, *chunks));
    return MakeReply(response);
  }
  return UnknownMethod(method);
}

absl::StatusOr<pb::ProcessResponse> Stage::ProcessHereOrIsolated(
    pb::ProcessRequest& request, const Context& context) {
  if (request.isolate()) return isolation_.Process(request, context);
  if (request.form() != pb::LINES) {
    request.clear_text();
    return Process(request, context);
  }
  request.set_form(pb::COLUMNS);
  const pb::TextForm form = request.text();  // Process may take it apart.
  ASSIGN_OR_RETURN(pb::ProcessResponse response, Process(request, context));
  RETURN_IF_ERROR(RenderReply(form, response));
  return response;
}

absl::StatusOr<pb::ObserveResponse> Stage::ObserveHereOrIsolated(
    pb::ObserveRequest& request, const Context& context) {
  return request.isolate() ? isolation_.Observe(request, context)
                           : Observe(request, context);
}

absl::StatusOr<pb::MergeResponse> Stage::MergeInPieces(
    pb::MergeRequest& request, const Context& context) {
  const MergePiece piece(request);
  if (std::optional<pb::MergeResponse> kept = merged_.Find(piece))
    return *std::move(kept);
  ASSIGN_OR_RETURN(pb::MergeResponse whole, Merge(request, context));
  return merged_.Cut(piece, std::move(whole));
}

absl::StatusOr<pb::DescribeResponse> Stage::Describe(pb::DescribeRequest&,
                                                     const Context&) {
  return UnknownMethod("Describe");
}

absl::StatusOr<pb::ProcessResponse> Stage::Process(pb::ProcessRequest&,
                                                   const Context&) {
  return UnknownMethod("Process");
}

absl::StatusOr<pb::ObserveResponse> Stage::Observe(pb::ObserveRequest&,
                                                   const Context&) {
  return UnknownMethod("Observe");
}

absl::StatusOr<pb::MergeResponse> Stage::Merge(pb::MergeRequest&,
                                               const Context&) {
  return UnknownMethod("Merge");
}

absl::StatusOr<Learned> Stage::Fit(const pb::FitStart&, FitStream&,
                                   const Context&) {
  return UnknownMethod("Fit");
}

absl::StatusOr<std::shared_ptr<const Artifact>> Stage::LoadArtifact(
    std::string) {
  return UnknownMethod("Put");
}

}  // namespace troupe
