#include "client/coordinator/coordinator_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/coordinator/jobs/job_request.h"
#include "client/coordinator/jobs/job_run.h"
#include "client/coordinator/stages/topology.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/grpc_status.h"

namespace troupe {
namespace {

constexpr absl::Duration kWatchEvery = absl::Milliseconds(500);
constexpr absl::Duration kProgressEvery = absl::Milliseconds(100);
constexpr int64_t kPieceBytes = int64_t{1} << 20;

// Moves what a method found into its response.
template <typename Message>
absl::Status Answer(absl::StatusOr<Message> found, Message* response) {
  RETURN_IF_ERROR(found.status());
  *response = *std::move(found);
  return absl::OkStatus();
}

const pb::Part* FindPart(const pb::Manifest& manifest,
                         const std::string& name) {
  for (const pb::Part& part : manifest.parts())
    if (part.name() == name) return &part;
  if (manifest.has_rejects() && manifest.rejects().name() == name)
    return &manifest.rejects();
  return nullptr;
}

}  // namespace

void CoordinatorService::Open(Company company) {
  company_ = std::move(company);
  open_.store(true, std::memory_order_release);
}

absl::Status CoordinatorService::Ready() const {
  return open_.load(std::memory_order_acquire) ? absl::OkStatus()
                                               : NotReady("coordinator");
}

absl::Status CoordinatorService::TryCreateJob(
    const pb::CreateJobRequest& request, pb::Job* response) {
  RETURN_IF_ERROR(Ready());
  if (draining_.load()) return Draining("coordinator");
  const JobEnvironment& environment = *company_.environment;
  // A job that is there already needs no checks: what it named may be gone.
  const auto known = environment.jobs->FindRequest(request);
  if (known.ok()) return Answer(company_.scheduler->Get(*known), response);
  if (ReasonOf(known.status()) != "JOB_NOT_FOUND") return known.status();
  ASSIGN_OR_RETURN(pb::Job job, MakeJob(request, *environment.pipelines,
                                        *environment.uploads));
  if (request.validate_only())
    return Answer(ValidateJob(environment, std::move(job)), response);
  return Answer(company_.scheduler->Submit(job), response);
}

grpc::Status CoordinatorService::CreateJob(grpc::ServerContext*,
                                           const pb::CreateJobRequest* request,
                                           pb::Job* response) {
  return ToGrpcStatus(TryCreateJob(*request, response));
}

grpc::Status CoordinatorService::GetJob(grpc::ServerContext*,
                                        const pb::GetJobRequest* request,
                                        pb::Job* response) {
  if (const absl::Status ready = Ready(); !ready.ok())
    return ToGrpcStatus(ready);
  return ToGrpcStatus(Answer(company_.scheduler->Get(request->id()), response));
}

grpc::Status CoordinatorService::ListJobs(grpc::ServerContext*,
                                          const pb::ListJobsRequest* request,
                                          pb::ListJobsResponse* response) {
  if (const absl::Status ready = Ready(); !ready.ok())
    return ToGrpcStatus(ready);
  auto page = company_.environment->jobs->List(request->page_size(),
                                               request->page_token());
  if (page.ok()) {
    for (pb::Job& job : *page->mutable_jobs()) {
      const auto live = company_.scheduler->FindLive(job.id());
      if (live == nullptr) continue;
      job = live->Get().job;  // Its progress is newer.
      job.clear_report();
      job.clear_request();
    }
  }
  return ToGrpcStatus(Answer(std::move(page), response));
}

grpc::Status CoordinatorService::DeleteJob(grpc::ServerContext*,
                                           const pb::DeleteJobRequest* request,
                                           pb::DeleteJobResponse*) {
  if (const absl::Status ready = Ready(); !ready.ok())
    return ToGrpcStatus(ready);
  return ToGrpcStatus(company_.scheduler->Delete(request->id()));
}

grpc::Status CoordinatorService::CancelJob(grpc::ServerContext*,
                                           const pb::CancelJobRequest* request,
                                           pb::Job* response) {
  if (const absl::Status ready = Ready(); !ready.ok())
    return ToGrpcStatus(ready);
  return ToGrpcStatus(
      Answer(company_.scheduler->Cancel(request->id()), response));
}

grpc::Status CoordinatorService::ResumeJob(grpc::ServerContext*,
                                           const pb::ResumeJobRequest* request,
                                           pb::Job* response) {
  if (const absl::Status ready = Ready(); !ready.ok())
    return ToGrpcStatus(ready);
  return ToGrpcStatus(
      Answer(company_.scheduler->Resume(request->id()), response));
}

absl::Status CoordinatorService::ShowJournal(
    const pb::GetJournalRequest& request, pb::Journal* response) {
  RETURN_IF_ERROR(Ready());
  RETURN_IF_ERROR(company_.scheduler->Get(request.id()).status());
  return Answer(company_.environment->journal->Show(request), response);
}

grpc::Status CoordinatorService::GetJournal(
    grpc::ServerContext*, const pb::GetJournalRequest* request,
    pb::Journal* response) {
  return ToGrpcStatus(ShowJournal(*request, response));
}

absl::Status CoordinatorService::Watch(grpc::ServerContext& context,
                                       const std::string& id,
                                       grpc::ServerWriter<pb::Job>& writer) {
  RETURN_IF_ERROR(Ready());
  const std::shared_ptr<LiveJob> live = company_.scheduler->FindLive(id);
  if (live == nullptr) {
    ASSIGN_OR_RETURN(const pb::Job job, company_.environment->jobs->Get(id));
    writer.Write(job);
    return absl::OkStatus();
  }
  const Clock& clock = *company_.environment->clock;
  int64_t written = -1;
  absl::Duration written_at = -absl::InfiniteDuration();
  while (!context.IsCancelled()) {
    const LiveJob::Snapshot now = live->Get();
    const bool ended = HasStopped(now.job.state());
    const bool due = clock.Monotonic() - written_at >= kWatchEvery;
    if (now.version != written && (ended || due)) {
      if (!writer.Write(now.job)) return CallerLeft();
      written = now.version;
      written_at = clock.Monotonic();
    }
    if (ended) return absl::OkStatus();
    if (draining_.load()) return Draining("coordinator");
    live->AwaitChange(now.version, kProgressEvery);
  }
  return CallerLeft();
}

grpc::Status CoordinatorService::WatchJob(grpc::ServerContext* context,
                                          const pb::WatchJobRequest* request,
                                          grpc::ServerWriter<pb::Job>* writer) {
  return ToGrpcStatus(Watch(*context, request->id(), *writer));
}

absl::Status CoordinatorService::TakeUpload(
    grpc::ServerReader<pb::UploadRequest>& reader,
    pb::UploadResponse* response) {
  RETURN_IF_ERROR(Ready());
  UploadStore& uploads = *company_.environment->uploads;
  pb::UploadRequest piece;
  if (!reader.Read(&piece) || piece.name().empty())
    return BadSpec("name", "is required in the first message of an upload");
  ASSIGN_OR_RETURN(const auto writer, uploads.Begin(piece.name()));
  do {
    if (draining_.load()) return Draining("coordinator");
    RETURN_IF_ERROR(writer->Append(piece.content()));
  } while (reader.Read(&piece));
  ASSIGN_OR_RETURN(const StoredUpload stored,
                   writer->Finish(company_.environment->clock->Now()));
  response->set_id(stored.id);
  response->set_bytes(stored.bytes);
  return absl::OkStatus();
}

grpc::Status CoordinatorService::Upload(
    grpc::ServerContext* context, grpc::ServerReader<pb::UploadRequest>* reader,
    pb::UploadResponse* response) {
  const absl::Status taken = TakeUpload(*reader, response);
  if (context->IsCancelled()) return ToGrpcStatus(CallerLeft());
  return ToGrpcStatus(taken);
}

absl::Status CoordinatorService::SendOutput(
    const pb::ReadOutputRequest& request,
    grpc::ServerWriter<pb::ReadOutputResponse>& writer) {
  RETURN_IF_ERROR(Ready());
  ASSIGN_OR_RETURN(const pb::Job job, company_.scheduler->Get(request.id()));
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
  const std::string path = absl::StrCat(
      OutputDirectory(*company_.environment, job.id()), "/", part->name());
  int64_t offset = request.offset();
  while (offset < part->bytes()) {
    pb::ReadOutputResponse piece;
    ASSIGN_OR_RETURN(
        *piece.mutable_content(),
        ReadFileRange(path, offset,
                      std::min(kPieceBytes, part->bytes() - offset)));
    if (piece.content().empty())
      return absl::DataLossError(
          absl::StrCat("output part \"", part->name(), "\" is too short"));
    offset += static_cast<int64_t>(piece.content().size());
    if (!writer.Write(piece)) return CallerLeft();
  }
  return absl::OkStatus();
}

grpc::Status CoordinatorService::ReadOutput(
    grpc::ServerContext*, const pb::ReadOutputRequest* request,
    grpc::ServerWriter<pb::ReadOutputResponse>* writer) {
  return ToGrpcStatus(SendOutput(*request, *writer));
}

grpc::Status CoordinatorService::ListPipelines(
    grpc::ServerContext*, const pb::ListPipelinesRequest* request,
    pb::ListPipelinesResponse* response) {
  if (const absl::Status ready = Ready(); !ready.ok())
    return ToGrpcStatus(ready);
  return ToGrpcStatus(
      Answer(company_.environment->pipelines->List(request->name()), response));
}

grpc::Status CoordinatorService::GetPipeline(
    grpc::ServerContext*, const pb::GetPipelineRequest* request,
    pb::Pipeline* response) {
  if (const absl::Status ready = Ready(); !ready.ok())
    return ToGrpcStatus(ready);
  return ToGrpcStatus(Answer(
      company_.environment->pipelines->Get(request->pipeline()), response));
}

grpc::Status CoordinatorService::DeletePipeline(
    grpc::ServerContext*, const pb::DeletePipelineRequest* request,
    pb::DeletePipelineResponse*) {
  if (const absl::Status ready = Ready(); !ready.ok())
    return ToGrpcStatus(ready);
  const absl::Status deleted =
      company_.environment->pipelines->Delete(request->pipeline());
  if (deleted.ok()) company_.scheduler->CollectArtifacts();
  return ToGrpcStatus(deleted);
}

grpc::Status CoordinatorService::GetTopology(grpc::ServerContext*,
                                             const pb::GetTopologyRequest*,
                                             pb::Topology* response) {
  if (const absl::Status ready = Ready(); !ready.ok())
    return ToGrpcStatus(ready);
  *response = DescribeTopology(*company_.dispatcher);
  *response->mutable_coordinator() = company_.stats();
  return grpc::Status::OK;
}

grpc::Status CoordinatorService::Stop(grpc::ServerContext*,
                                      const pb::StopCompanyRequest* request,
                                      pb::StopCompanyResponse*) {
  if (const absl::Status ready = Ready(); !ready.ok())
    return ToGrpcStatus(ready);
  company_.stop(request->mode());
  return grpc::Status::OK;
}

}  // namespace troupe
