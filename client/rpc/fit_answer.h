// A FitAnswer is the answer to a Fit as its messages come in.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/rpc/artifact_pieces.h"
#include "proto/pb.h"
#include "services/host/learned.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

class FitAnswer {
 public:
  // `on_progress` may be null; it is called within Take.
  FitAnswer(int64_t max_artifact_bytes,
            std::function<void(const pb::FitProgress&)> on_progress)
      : on_progress_(std::move(on_progress)), pieces_(max_artifact_bytes) {}

  // Takes the next message. INTERNAL (BAD_REPLY) where it is none of a Fit, or
  // follows the result; ARTIFACT_TOO_LARGE. After an error take no more.
  absl::Status Take(const pb::FitResponse& message);

  // To be called once, when all messages are taken. BAD_REPLY where there was
  // no result, or size or digest of the artifact are not what it says.
  absl::StatusOr<Learned> Finish();

 private:
  const std::function<void(const pb::FitProgress&)> on_progress_;
  ArtifactPieces pieces_;
  std::optional<pb::FitResult> result_;
};

}  // namespace troupe
