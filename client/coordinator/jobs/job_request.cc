#include "client/coordinator/jobs/job_request.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/jobs/planner.h"
#include "client/spec/spec_defaults.h"
#include "client/spec/spec_loader.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr size_t kMaxRequestId = 128;
constexpr int kMaxPreviewRows = 100;
// How messages call the file that was sent.
constexpr char kSentYaml[] = "spec_yaml";

bool UsesPipeline(pb::JobKind kind) {
  return kind == pb::SCORE || kind == pb::EVALUATE || kind == pb::TRANSFORM;
}

absl::Status CheckKind(const pb::CreateJobRequest& request) {
  switch (request.kind()) {
    case pb::TRAIN:
      return CheckSpec(request.spec());
    case pb::INSPECT:
      if (request.preview_rows() < 0 ||
          request.preview_rows() > kMaxPreviewRows)
        return BadSpec("preview_rows",
                       absl::StrCat("must be from 0 to ", kMaxPreviewRows));
      return absl::OkStatus();
    case pb::SCORE:
    case pb::EVALUATE:
    case pb::TRANSFORM:
      if (request.pipeline().empty())
        return BadSpec("pipeline", "is required: NAME or NAME@N");
      return absl::OkStatus();
    default:
      return BadSpec("kind",
                     "must be TRAIN, SCORE, EVALUATE, TRANSFORM or INSPECT");
  }
}

absl::Status CheckInput(const pb::CreateJobRequest& request,
                        const JobInput& input) {
  if (request.upload().empty() && input.source().path().empty())
    return BadSpec(request.kind() == pb::TRAIN ? "source.path" : "source",
                   "is required: a path below the loader's roots, or an "
                   "upload");
  if (request.source().has_max_rejects() &&
      !(request.source().max_rejects() >= 0 &&
        request.source().max_rejects() <= 1))
    return BadSpec("source.max_rejects", "must be from 0 to 1");
  return absl::OkStatus();
}

}  // namespace

absl::Status CompleteRequest(pb::CreateJobRequest& request) {
  if (!request.spec_yaml().empty() && request.kind() != pb::TRAIN)
    return BadSpec("spec_yaml", "only TRAIN takes a pipeline file");
  if (request.kind() != pb::TRAIN) return absl::OkStatus();
  if (!request.spec_yaml().empty()) {
    absl::StatusOr<LoadedSpec> loaded =
        ParseSpec(request.spec_yaml(), kSentYaml);
    if (!loaded.ok()) return WithMetadata(loaded.status(), "field", kSentYaml);
    CompleteSpec(loaded->spec);
    // A job's own request, sent again, has both.
    if (request.has_spec() &&
        !MessageDifferencer::Equals(request.spec(), loaded->spec))
      return BadSpec("spec_yaml",
                     "says another thing than spec; send one of "
                     "them");
    *request.mutable_spec() = std::move(loaded->spec);
  }
  CompleteSpec(*request.mutable_spec());
  return absl::OkStatus();
}

absl::Status InSentYaml(const pb::CreateJobRequest& request,
                        const absl::Status& status) {
  if (status.ok() || request.spec_yaml().empty()) return status;
  const auto loaded = ParseSpec(request.spec_yaml(), kSentYaml);
  return loaded.ok() ? loaded->Locate(status) : status;
}

absl::StatusOr<pb::Job> MakeJob(const pb::CreateJobRequest& request,
                                PipelineRegistry& pipelines,
                                UploadStore& uploads) {
  if (request.request_id().size() > kMaxRequestId)
    return BadSpec("request_id", absl::StrCat("is longer than ", kMaxRequestId,
                                              " characters"));
  RETURN_IF_ERROR(CheckKind(request));
  if (request.has_output())
    RETURN_IF_ERROR(CheckOutput(request.output(), "output"));
  pb::Job job;
  job.set_id(NewId());
  job.set_kind(request.kind());
  job.set_state(pb::QUEUED);
  pb::Source stored = request.spec().source();
  if (UsesPipeline(request.kind())) {
    ASSIGN_OR_RETURN(const pb::Pipeline pipeline,
                     pipelines.Get(request.pipeline()));
    job.set_pipeline(VersionName(pipeline));
    stored = pipeline.spec().source();
    if (request.kind() != pb::TRANSFORM && !pipeline.spec().has_model())
      return BadSpec("pipeline", absl::StrCat(job.pipeline(),
                                              " has no model; only transform "
                                              "can use it"));
    if (request.upload().empty() && request.source().path().empty())
      return BadSpec("source.path", "is required: say which rows to read");
  }
  ASSIGN_OR_RETURN(const JobInput input, InputOf(request, stored, uploads));
  RETURN_IF_ERROR(CheckInput(request, input));
  job.set_input(input.name());
  *job.mutable_request() = request;
  return job;
}

absl::StatusOr<JobInput> InputOf(const pb::CreateJobRequest& request,
                                 const pb::Source& stored,
                                 UploadStore& uploads) {
  pb::Source source;
  if (request.kind() == pb::TRAIN && request.has_source()) {
    source = request.source();
  } else if (request.upload().empty()) {
    source = MergeSource(stored, request.source());
  } else {
    ASSIGN_OR_RETURN(const StoredUpload upload, uploads.Get(request.upload()));
    pb::Source changes = request.source();
    changes.set_path(upload.name);  // Its ending tells the format.
    source = MergeSource(stored, changes);
  }
  if (request.upload().empty()) return JobInput(std::move(source));
  ASSIGN_OR_RETURN(StoredUpload upload, uploads.Get(request.upload()));
  return JobInput(std::move(source), std::move(upload));
}

pb::OutputSpec OutputOf(const pb::CreateJobRequest& request,
                        const pb::OutputSpec& stored) {
  pb::OutputSpec output = request.has_output() ? request.output() : stored;
  if (output.format() == pb::FORMAT_UNSPECIFIED)
    output.set_format(
        stored.format() == pb::FORMAT_UNSPECIFIED ? pb::CSV : stored.format());
  return output;
}

}  // namespace troupe
