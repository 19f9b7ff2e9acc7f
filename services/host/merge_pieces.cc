#include "services/host/merge_pieces.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

int64_t EndOf(const MergePiece& piece, int64_t total_bytes) {
  const int64_t most = piece.max_bytes == 0
                           ? kMaxMergePieceBytes
                           : std::min(piece.max_bytes, kMaxMergePieceBytes);
  return piece.offset + std::min(most, total_bytes - piece.offset);
}

bool Exists(const MergePiece& piece, int64_t total_bytes) {
  return piece.max_bytes >= 0 && piece.offset >= 0 &&
         (piece.offset == 0 || piece.offset < total_bytes);
}

}  // namespace

const std::string* FittedBytes(const pb::MergeResponse& response) {
  if (response.has_state()) return &response.state();
  if (response.has_artifact()) return &response.artifact();
  return nullptr;
}

std::optional<pb::MergeResponse> MergePieces::Find(const MergePiece& piece) {
  std::shared_ptr<const pb::MergeResponse> whole;
  {
    MutexLock lock(&mutex_);
    whole = kept_;
  }
  if (whole == nullptr || piece.offset == 0 ||
      piece.sha256 != whole->sha256() || !Exists(piece, whole->total_bytes()))
    return std::nullopt;
  return Take(piece, std::move(whole));
}

absl::StatusOr<pb::MergeResponse> MergePieces::Cut(const MergePiece& piece,
                                                   pb::MergeResponse whole) {
  const std::string* const bytes = FittedBytes(whole);
  const auto total =
      bytes == nullptr ? int64_t{0} : static_cast<int64_t>(bytes->size());
  if (!Exists(piece, total))
    return BadMessage(absl::StrCat("the answer to this merge has no piece of ",
                                   piece.max_bytes, " bytes at ",
                                   piece.offset));
  if (bytes == nullptr) return whole;
  whole.set_total_bytes(total);
  whole.set_sha256(Sha256Hex(*bytes));
  if (piece.offset == 0 && EndOf(piece, total) == total) return whole;
  return Take(piece,
              std::make_shared<const pb::MergeResponse>(std::move(whole)));
}

pb::MergeResponse MergePieces::Take(
    const MergePiece& piece, std::shared_ptr<const pb::MergeResponse> whole) {
  const int64_t end = EndOf(piece, whole->total_bytes());
  const std::string part =
      FittedBytes(*whole)->substr(static_cast<size_t>(piece.offset),
                                  static_cast<size_t>(end - piece.offset));
  pb::MergeResponse answer;
  answer.set_total_bytes(whole->total_bytes());
  answer.set_sha256(whole->sha256());
  *answer.mutable_warnings() = whole->warnings();
  if (whole->has_state()) {
    answer.set_state(part);
  } else {
    answer.set_artifact(part);
  }
  if (end == whole->total_bytes()) whole = nullptr;
  MutexLock lock(&mutex_);
  kept_.swap(whole);  // What was kept goes after the lock.
  return answer;
}

}  // namespace troupe
