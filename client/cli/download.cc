#include "client/cli/download.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

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

// Appends one part to `file`.
absl::Status FetchPart(Transfer& transfer, const pb::Part& part,
                       OutputFile& file) {
  Sha256 hash;
  int64_t offset = 0;
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

}  // namespace

absl::StatusOr<OutputTarget> OutputTarget::Create(const std::string& path,
                                                  std::ostream& standard_output,
                                                  Followed followed) {
  OutputTarget target;
  target.path_ = path;
  target.out_ = &standard_output;
  target.followed_ = followed;
  ASSIGN_OR_RETURN(target.file_, OutputFile::Create(path, standard_output,
                                                    std::move(followed)));
  return target;
}

absl::Status OutputTarget::Fetch(CoordinatorClient& client, const pb::Job& job,
                                 ProgressView& progress) {
  const pb::Manifest& manifest = job.manifest();
  RETURN_IF_ERROR(CheckManifest(manifest));
  Transfer transfer = {client, job.id(), progress};
  for (const pb::Part& part : manifest.parts()) transfer.total += part.bytes();
  for (const pb::Part& part : manifest.parts())
    RETURN_IF_ERROR(FetchPart(transfer, part, *file_));
  const std::string rejects_path = this->rejects_path();
  std::unique_ptr<OutputFile> rejects;
  if (manifest.has_rejects() && !rejects_path.empty()) {
    ASSIGN_OR_RETURN(rejects,
                     OutputFile::Create(rejects_path, *out_, followed_));
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
