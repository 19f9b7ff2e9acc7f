#include "client/coordinator/file_transfers.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/jobs/job_output.h"
#include "client/coordinator/jobs/job_run.h"
#include "client/coordinator/state/journal.h"
#include "client/coordinator/state/storage.h"
#include "services/base/boot_id.h"
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

// One file of a finished job's output.
struct OutputPart {
  pb::Part part;
  std::string path;
};

absl::StatusOr<OutputPart> FindOutput(const JobEnvironment& environment,
                                      JobScheduler& scheduler,
                                      const std::string& id,
                                      const std::string& name) {
  ASSIGN_OR_RETURN(const pb::Job job, scheduler.Get(id));
  if (!job.has_manifest())
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_OUTPUT",
                     absl::StrCat("job \"", id, "\" has no output",
                                  IsTerminal(job.state()) ? "" : " yet"));
  // Only names from the manifest reach the file system.
  const pb::Part* const part = FindPart(job.manifest(), name);
  if (part == nullptr)
    return BadSpec("part",
                   absl::StrCat("\"", name, "\" is not in the job's manifest"));
  return OutputPart{*part, absl::StrCat(OutputDirectory(environment, job.id()),
                                        "/", part->name())};
}

absl::Status NameMissing() {
  return BadSpec("name", "is required in the first message of an upload");
}

}  // namespace

// A call that is cut looks like one that ends in order until its end is known.
UploadTransfer::~UploadTransfer() {
  if (!stored_.empty()) environment_->uploads->Delete(stored_).IgnoreError();
}

absl::Status UploadTransfer::Take(grpc::ByteBuffer& bytes) {
  pb::UploadRequest piece;
  RETURN_IF_ERROR(ParseBytes(bytes, piece));
  if (writer_ == nullptr) {
    if (piece.name().empty()) return NameMissing();
    ASSIGN_OR_RETURN(writer_, environment_->uploads->Begin(piece.name()));
  }
  return writer_->Take(piece);
}

absl::StatusOr<std::optional<grpc::ByteBuffer>> UploadTransfer::Give() {
  if (answered_) {
    stored_.clear();
    return std::nullopt;
  }
  if (writer_ == nullptr) return NameMissing();
  ASSIGN_OR_RETURN(const StoredUpload stored, writer_->Finish());
  answered_ = true;
  stored_ = stored.id;
  pb::UploadResponse response;
  response.set_id(stored.id);
  response.set_bytes(stored.bytes);
  response.set_sha256(stored.sha256);
  return SerializeBytes(response);
}

absl::Status OutputTransfer::Take(grpc::ByteBuffer& bytes) {
  pb::ReadOutputRequest request;
  RETURN_IF_ERROR(ParseBytes(bytes, request));
  ASSIGN_OR_RETURN(OutputPart found, FindOutput(*environment_, *scheduler_,
                                                request.id(), request.part()));
  if (request.offset() < 0 || request.offset() > found.part.bytes())
    return BadSpec("offset",
                   absl::StrCat("must be from 0 to ", found.part.bytes()));
  path_ = std::move(found.path);
  offset_ = request.offset();
  end_ = found.part.bytes();
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

absl::StatusOr<pb::OutputPlace> LocateOutput(
    const JobEnvironment& environment, JobScheduler& scheduler,
    const pb::LocateOutputRequest& request) {
  ASSIGN_OR_RETURN(
      const OutputPart found,
      FindOutput(environment, scheduler, request.id(), request.part()));
  pb::GetJournalRequest events;
  events.set_id(request.id());
  events.set_page_size(1);
  ASSIGN_OR_RETURN(const pb::Journal journal,
                   environment.journal->Show(events));
  for (const pb::JournalEvent& event : journal.events())
    if (event.kind() == kResumedEvent)
      return MakeError(
          absl::StatusCode::kFailedPrecondition, "OUTPUT_TO_BE_CHECKED",
          absl::StrCat("job \"", request.id(), "\" went on after a restart"));
  struct stat status = {};
  if (stat(found.path.c_str(), &status) != 0)
    return StorageError(errno, "find", found.path);
  pb::OutputPlace place;
  place.set_path(std::filesystem::absolute(found.path).string());
  place.set_device(status.st_dev);
  place.set_inode(status.st_ino);
  place.set_boot(BootId());
  return place;
}

}  // namespace troupe
