// MergePieces cuts what a merge fitted into answers that fit into a message,
// and keeps a large one until its last piece is taken or another one comes: so
// the next piece need not be merged again.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/base/mutex.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

inline constexpr int64_t kMaxMergePieceBytes = int64_t{16} << 20;

// What a request says about the piece that it wants. Read it before the stage
// takes the request apart.
struct MergePiece {
  explicit MergePiece(const pb::MergeRequest& request)
      : offset(request.offset()),
        max_bytes(request.max_piece_bytes()),
        sha256(request.sha256()) {}

  int64_t offset;
  int64_t max_bytes;   // 0: kMaxMergePieceBytes.
  std::string sha256;  // Of the whole, where known.
};

// The artifact or state in a response; null where it is something else.
const std::string* FittedBytes(const pb::MergeResponse& response);

class MergePieces {
 public:
  // The answer, where the whole is kept; otherwise merge and Cut.
  std::optional<pb::MergeResponse> Find(const MergePiece& piece);

  // The answer out of what the stage merged: the piece of the artifact or
  // state, with size and digest of the whole. Other results are whole already.
  // BAD_MESSAGE where there is no such piece.
  absl::StatusOr<pb::MergeResponse> Cut(const MergePiece& piece,
                                        pb::MergeResponse whole);

 private:
  // Keeps `whole` unless this is its last piece.
  pb::MergeResponse Take(const MergePiece& piece,
                         std::shared_ptr<const pb::MergeResponse> whole);

  Mutex mutex_;
  std::shared_ptr<const pb::MergeResponse> kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
