#include "client/rpc/fit_answer.h"

#include <utility>

#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

absl::Status BadFitAnswer(absl::string_view what) {
  return MakeError(absl::StatusCode::kInternal, "BAD_REPLY", what);
}

}  // namespace

absl::Status FitAnswer::Take(const pb::FitResponse& message) {
  if (result_.has_value())
    return BadFitAnswer("the answer to a fit goes on after its result");
  switch (message.message_case()) {
    case pb::FitResponse::kProgress:
      if (on_progress_) on_progress_(message.progress());
      return absl::OkStatus();
    case pb::FitResponse::kArtifactPiece:
      return pieces_.Add(message.artifact_piece());
    case pb::FitResponse::kResult:
      result_ = message.result();
      return absl::OkStatus();
    case pb::FitResponse::MESSAGE_NOT_SET:
      break;
  }
  return BadFitAnswer("malformed answer to a fit");
}

absl::StatusOr<Learned> FitAnswer::Finish() {
  if (!result_.has_value())
    return BadFitAnswer("the answer to a fit ends without its result");
  Learned learned;
  learned.result = *std::move(result_);
  ASSIGN_OR_RETURN(learned.artifact,
                   pieces_.Finish(learned.result.artifact_bytes(),
                                  learned.result.artifact_sha256()));
  return learned;
}

}  // namespace troupe
