#include "client/coordinator/file_transfers.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/jobs/job_run.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/owned_slice.h"
#include "services/host/rpc_payload.h"

namespace troupe {
namespace {

constexpr int64_t kPieceBytes = int64_t{1} << 20;

const pb::Part* FindPart(const pb::Manifest& manifest,
                         const std::string& name) {
  for (const pb::Part& part : manifest.parts())
    if (part.name() == name) return &part;
  if (manifest.has_rejects() && manifest.rejects().name() == name)
    return &manifest.rejects();
  return nullptr;
}

absl::Status NameMissing() {
  return BadSpec("name", "is required in the first message of an upload");
}

}  // namespace

absl::Status UploadTransfer::Take(grpc::ByteBuffer& bytes) {
  pb::UploadRequest piece;
  RETURN_IF_ERROR(ParseBytes(bytes, piece));
  if (writer_ == nullptr) {
    if (piece.name().empty()) return NameMissing();
    ASSIGN_OR_RETURN(writer_, environment_.uploads->Begin(piece.name()));
  }
  return writer_->Take(piece);
}

absl::StatusOr<std::optional<grpc::ByteBuffer>> UploadTransfer::Give() {
  if (answered_) return std::nullopt;
  if (writer_ == nullptr) return NameMissing();
  ASSIGN_OR_RETURN(const StoredUpload stored, writer_->Finish());
  answered_ = true;
  pb::UploadResponse response;
  response.set_id(stored.id);
  response.set_bytes(stored.bytes);
  response.set_sha256(stored.sha256);
  return SerializeBytes(response);
}

absl::Status OutputTransfer::Take(grpc::ByteBuffer& bytes) {
  pb::ReadOutputRequest request;
  RETURN_IF_ERROR(ParseBytes(bytes, request));
  ASSIGN_OR_RETURN(const pb::Job job, scheduler_.Get(request.id()));
  if (!job.has_manifest())
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_OUTPUT",
                     absl::StrCat("job \"", request.id(), "\" has no output",
                                  IsTerminal(job.state()) ? "" : " yet"));
  // Only names from the manifest reach the file system.
  const pb::Part* const part = FindPart(job.manifest(), request.part());
  if (part == nullptr)
    return BadSpec("part", absl::StrCat("\"", request.part(),
                                        "\" is not in the job's manifest"));
  if (request.offset() < 0 || request.offset() > part->bytes())
    return BadSpec("offset", absl::StrCat("must be from 0 to ", part->bytes()));
  path_ =
      absl::StrCat(OutputDirectory(environment_, job.id()), "/", part->name());
  offset_ = request.offset();
  end_ = part->bytes();
  return absl::OkStatus();
}

absl::StatusOr<std::optional<grpc::ByteBuffer>> OutputTransfer::Give() {
  if (offset_ >= end_) return std::nullopt;
  // A ReadOutputResponse as it is on the wire, around what was read.
  ASSIGN_OR_RETURN(
      std::string content,
      ReadFileRange(path_, offset_, std::min(kPieceBytes, end_ - offset_)));
  if (content.empty())
    return absl::DataLossError(
        absl::StrCat("output file \"", path_, "\" is too short"));
  offset_ += static_cast<int64_t>(content.size());
  const grpc::Slice piece[] = {
      SliceOf(BytesKey(pb::ReadOutputResponse::kContentFieldNumber,
                       content.size())),
      SliceOf(std::move(content))};
  return grpc::ByteBuffer(piece, std::size(piece));
}

}  // namespace troupe
