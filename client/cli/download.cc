#include "client/cli/download.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

constexpr int64_t kPieceBytes = int64_t{1} << 20;

absl::Status Corrupt(const pb::Part& part, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "OUTPUT_CORRUPT",
                   absl::StrCat("part \"", part.name(), "\" ", what,
                                "; nothing was written"));
}

// Counts and shows what has come of all parts.
struct Transfer {
  CoordinatorClient& client;
  const std::string job;
  ProgressView& progress;
  int64_t total = 0;
  int64_t done = 0;
};

// 8 hex digits that stand for the content of the output.
std::string KeyOf(const pb::Job& job) {
  Sha256 digest;
  for (const pb::Part& part : job.manifest().parts())
    digest.Update(part.sha256());
  return digest.Finish().substr(0, 8);
}

// Whether what is at `at` of the file is that part.
absl::Status CheckPart(const pb::Part& part, const OutputFile& file,
                       int64_t at) {
  Sha256 hash;
  for (int64_t seen = 0; seen < part.bytes();) {
    ASSIGN_OR_RETURN(
        const std::string piece,
        file.ReadBack(at + seen, std::min(kPieceBytes, part.bytes() - seen)));
    hash.Update(piece);
    seen += static_cast<int64_t>(piece.size());
  }
  return hash.Finish() == part.sha256()
             ? absl::OkStatus()
             : Corrupt(part, "does not have the SHA-256 of its manifest");
}

// Appends one part to `file`, which has the first `begun` bytes of it already.
absl::Status FetchPart(Transfer& transfer, const pb::Part& part,
                       OutputFile& file, int64_t begun = 0) {
  Sha256 hash;
  const int64_t before = file.bytes() - begun;
  for (int64_t at = 0; at < begun;) {
    ASSIGN_OR_RETURN(
        const std::string piece,
        file.ReadBack(before + at, std::min(kPieceBytes, begun - at)));
    hash.Update(piece);
    at += static_cast<int64_t>(piece.size());
  }
  int64_t offset = begun;
  transfer.done += begun;
  const auto sink = [&](absl::string_view bytes) -> absl::Status {
    offset += static_cast<int64_t>(bytes.size());
    if (offset > part.bytes())
      return Corrupt(part, "is longer than its manifest says");
    hash.Update(bytes);
    RETURN_IF_ERROR(file.Write(bytes));
    transfer.done += static_cast<int64_t>(bytes.size());
    transfer.progress.ShowTransfer("download", transfer.done, transfer.total);
    return absl::OkStatus();
  };
  absl::Status status;
  do {
    status =
        transfer.client.ReadOutput(transfer.job, part.name(), offset, sink);
  } while (transfer.client.AgainAfter(status));
  RETURN_IF_ERROR(status);
  if (offset != part.bytes())
    return Corrupt(part, absl::StrCat("ended after ", offset, " of ",
                                      part.bytes(), " bytes"));
  if (hash.Finish() != part.sha256())
    return Corrupt(part, "does not have the SHA-256 of its manifest");
  return absl::OkStatus();
}

// Gives the only part a second name, as `file`, where that can be done.
bool SharePart(Transfer& transfer, const pb::Part& part, OutputFile& file) {
  if (!file.regular()) return false;
  pb::LocateOutputRequest request;
  request.set_id(transfer.job);
  request.set_part(part.name());
  const auto place = transfer.client.LocateOutput(request);
  // Whatever the reason, reading the output tells.
  return place.ok() && file.Share(*place, part.bytes());
}

// All parts into `file`, which may have some of it from an earlier process.
absl::Status FetchParts(Transfer& transfer, const pb::Manifest& manifest,
                        OutputFile& file) {
  if (manifest.parts_size() == 1 &&
      SharePart(transfer, manifest.parts(0), file))
    return absl::OkStatus();
  if (file.bytes() > transfer.total) RETURN_IF_ERROR(file.Cut(0));
  int64_t at = 0;
  for (const pb::Part& part : manifest.parts()) {
    const int64_t begun =
        std::clamp<int64_t>(file.bytes() - at, 0, part.bytes());
    absl::Status status;
    if (begun > 0 && begun == part.bytes()) {
      status = CheckPart(part, file, at);
      transfer.done += begun;
    } else {
      status = FetchPart(transfer, part, file, begun);
    }
    if (begun > 0 && ReasonOf(status) == "OUTPUT_CORRUPT") {
      // What was found there is something else.
      RETURN_IF_ERROR(file.Cut(at));
      transfer.done = at;
      status = FetchPart(transfer, part, file);
    }
    RETURN_IF_ERROR(status);
    at += part.bytes();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OutputTarget> OutputTarget::Create(const std::string& path,
                                                  const std::string& rejects,
                                                  std::ostream& standard_output,
                                                  Followed followed,
                                                  const pb::Job* job) {
  OutputTarget target;
  target.path_ = path;
  target.rejects_ = rejects;
  if (!rejects.empty())  // Tried now, rather than when the job has ended.
    RETURN_IF_ERROR(
        OutputFile::Create(rejects, standard_output, followed).status());
  target.out_ = &standard_output;
  target.followed_ = followed;
  ASSIGN_OR_RETURN(target.file_, OutputFile::Create(
                                     path, standard_output, std::move(followed),
                                     job == nullptr ? "" : KeyOf(*job)));
  return target;
}

absl::Status OutputTarget::Fetch(CoordinatorClient& client, const pb::Job& job,
                                 ProgressView& progress) {
  const pb::Manifest& manifest = job.manifest();
  RETURN_IF_ERROR(CheckManifest(manifest));
  Transfer transfer = {client, job.id(), progress};
  for (const pb::Part& part : manifest.parts()) transfer.total += part.bytes();
  const absl::Status fetched = FetchParts(transfer, manifest, *file_);
  if (absl::IsUnavailable(fetched)) file_->Keep();
  RETURN_IF_ERROR(fetched);
  const std::string rejects_path = this->rejects_path();
  std::unique_ptr<OutputFile> rejects;
  if (!rejects_path.empty() && (manifest.has_rejects() || !rejects_.empty())) {
    ASSIGN_OR_RETURN(rejects,
                     OutputFile::Create(rejects_path, *out_, followed_));
    if (manifest.has_rejects())
      RETURN_IF_ERROR(FetchPart(transfer, manifest.rejects(), *rejects));
  }
  progress.Finish();
  // Rejects first: who sees the output finds all that belongs to it.
  if (rejects != nullptr) {
    RETURN_IF_ERROR(rejects->Commit());
  } else if (!rejects_path.empty()) {
    unlink(rejects_path.c_str());
  }
  return file_->Commit();
}

std::string OutputTarget::rejects_path() const {
  if (!rejects_.empty()) return rejects_;
  return file_->regular() ? absl::StrCat(path_, ".rejects.jsonl") : "";
}

absl::Status CheckManifest(const pb::Manifest& manifest) {
  int64_t rows = 0;
  for (const pb::Part& part : manifest.parts()) rows += part.rows();
  const int64_t rejected =
      manifest.has_rejects() ? manifest.rejects().rows() : 0;
  if (rows == manifest.rows_ok() && rejected == manifest.rows_rejected() &&
      manifest.rows_ok() + manifest.rows_rejected() == manifest.rows_read())
    return absl::OkStatus();
  return MakeError(absl::StatusCode::kDataLoss, "OUTPUT_CORRUPT",
                   absl::StrCat("the manifest does not account for every row: ",
                                manifest.rows_read(), " read, ", rows,
                                " in the output, ", rejected, " rejected"));
}

}  // namespace troupe
