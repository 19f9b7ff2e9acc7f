#include "client/rpc/grpc_coordinator_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/rpc/channel.h"
#include "client/rpc/deadline.h"
#include "services/base/errors.h"
#include "services/host/grpc_status.h"
#include "services/host/sha256.h"

namespace troupe {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// Every call has a deadline. A stream's is long: keepalive notices a peer that
// is gone.
constexpr absl::Duration kStreamTimeout = absl::Hours(24);

void SetTimeout(grpc::ClientContext& context, absl::Duration timeout) {
  context.set_deadline(DeadlineIn(timeout));
}

// Nothing more comes of the job by itself.
bool Stopped(pb::JobState state) {
  return state == pb::SUCCEEDED || state == pb::PARTIALLY_SUCCEEDED ||
         state == pb::FAILED || state == pb::CANCELLED ||
         state == pb::DISK_FULL;
}

}  // namespace

std::unique_ptr<CoordinatorClient> CoordinatorClient::Connect(
    const std::string& address, Reconnecting how) {
  return std::make_unique<GrpcCoordinatorClient>(address, std::move(how));
}

GrpcCoordinatorClient::GrpcCoordinatorClient(const std::string& address,
                                             Reconnecting how)
    : address_(address),
      reconnector_(std::move(how)),
      channel_(OpenChannel(address)),
      stub_(pb::Coordinator::NewStub(channel_)),
      health_(grpc::health::v1::Health::NewStub(channel_)) {}

absl::Status GrpcCoordinatorClient::StatusOf(const grpc::Status& status) const {
  absl::Status ours = FromGrpcStatus(status);
  if (!absl::IsUnavailable(ours) || !ReasonOf(ours).empty()) return ours;
  return MakeError(absl::StatusCode::kUnavailable, "COORDINATOR_UNREACHABLE",
                   absl::StrCat("no coordinator answers at ", address_,
                                "; is it running, and is this its address?"),
                   {{"address", address_}});
}

template <typename Request, typename Response>
absl::StatusOr<Response> GrpcCoordinatorClient::Call(
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                 Response*),
    const Request& request, absl::Duration timeout, bool repeatable) {
  while (true) {
    grpc::ClientContext context;
    SetTimeout(context, timeout);
    Response response;
    const absl::Status status =
        StatusOf(((*stub_).*method)(&context, request, &response));
    if (repeatable && AgainAfter(status)) continue;
    if (!absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status))
      reconnector_.Answered();
    if (!status.ok()) return status;
    return response;
  }
}

bool GrpcCoordinatorClient::AgainAfter(const absl::Status& error) {
  return reconnector_.AgainAfter(error);
}

absl::StatusOr<pb::Job> GrpcCoordinatorClient::CreateJob(
    const pb::CreateJobRequest& request, absl::Duration timeout) {
  return Call(&Stub::CreateJob, request, timeout,
              !request.request_id().empty());
}

absl::StatusOr<pb::Job> GrpcCoordinatorClient::GetJob(
    const pb::GetJobRequest& request, absl::Duration timeout) {
  return Call(&Stub::GetJob, request, timeout);
}

absl::StatusOr<pb::ListJobsResponse> GrpcCoordinatorClient::ListJobs(
    const pb::ListJobsRequest& request, absl::Duration timeout) {
  return Call(&Stub::ListJobs, request, timeout);
}

absl::StatusOr<pb::DeleteJobResponse> GrpcCoordinatorClient::DeleteJob(
    const pb::DeleteJobRequest& request, absl::Duration timeout) {
  return Call(&Stub::DeleteJob, request, timeout);
}

absl::StatusOr<pb::Job> GrpcCoordinatorClient::CancelJob(
    const pb::CancelJobRequest& request, absl::Duration timeout) {
  return Call(&Stub::CancelJob, request, timeout);
}

absl::StatusOr<pb::Job> GrpcCoordinatorClient::ResumeJob(
    const pb::ResumeJobRequest& request, absl::Duration timeout) {
  return Call(&Stub::ResumeJob, request, timeout);
}

absl::StatusOr<pb::Journal> GrpcCoordinatorClient::GetJournal(
    const pb::GetJournalRequest& request, absl::Duration timeout) {
  return Call(&Stub::GetJournal, request, timeout);
}

absl::StatusOr<pb::ListPipelinesResponse> GrpcCoordinatorClient::ListPipelines(
    const pb::ListPipelinesRequest& request, absl::Duration timeout) {
  return Call(&Stub::ListPipelines, request, timeout);
}

absl::StatusOr<pb::Pipeline> GrpcCoordinatorClient::GetPipeline(
    const pb::GetPipelineRequest& request, absl::Duration timeout) {
  return Call(&Stub::GetPipeline, request, timeout);
}

absl::StatusOr<pb::DeletePipelineResponse>
GrpcCoordinatorClient::DeletePipeline(const pb::DeletePipelineRequest& request,
                                      absl::Duration timeout) {
  return Call(&Stub::DeletePipeline, request, timeout);
}

absl::StatusOr<pb::SetLabelResponse> GrpcCoordinatorClient::SetLabel(
    const pb::SetLabelRequest& request, absl::Duration timeout) {
  return Call(&Stub::SetLabel, request, timeout);
}

absl::StatusOr<pb::ListLabelsResponse> GrpcCoordinatorClient::ListLabels(
    const pb::ListLabelsRequest& request, absl::Duration timeout) {
  return Call(&Stub::ListLabels, request, timeout);
}

absl::StatusOr<pb::PredictResponse> GrpcCoordinatorClient::Predict(
    const pb::PredictRequest& request, absl::Duration timeout) {
  return Call(&Stub::Predict, request, timeout);
}

absl::StatusOr<pb::ReadArtifactResponse> GrpcCoordinatorClient::ReadArtifact(
    const pb::ReadArtifactRequest& request, absl::Duration timeout) {
  return Call(&Stub::ReadArtifact, request, timeout);
}

absl::StatusOr<pb::Pipeline> GrpcCoordinatorClient::ImportPipeline(
    const pb::ImportPipelineRequest& request, absl::Duration timeout) {
  return Call(&Stub::ImportPipeline, request, timeout);
}

absl::StatusOr<pb::BackupResponse> GrpcCoordinatorClient::Backup(
    const pb::BackupRequest& request, absl::Duration timeout) {
  return Call(&Stub::Backup, request, timeout);
}

absl::StatusOr<pb::Topology> GrpcCoordinatorClient::GetTopology(
    const pb::GetTopologyRequest& request, absl::Duration timeout) {
  return Call(&Stub::GetTopology, request, timeout);
}

absl::StatusOr<pb::StopCompanyResponse> GrpcCoordinatorClient::Stop(
    const pb::StopCompanyRequest& request, absl::Duration timeout) {
  return Call(&Stub::Stop, request, timeout, false);
}

absl::Status GrpcCoordinatorClient::CheckHealth(const std::string& service,
                                                absl::Duration timeout) {
  grpc::ClientContext context;
  SetTimeout(context, timeout);
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  const grpc::Status status = health_->Check(&context, request, &response);
  if (!status.ok()) return StatusOf(status);
  if (response.status() == HealthCheckResponse::SERVING)
    return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kUnavailable, "NOT_SERVING",
      absl::StrCat("the coordinator at ", address_, " is ",
                   HealthCheckResponse::ServingStatus_Name(response.status())));
}

absl::Status GrpcCoordinatorClient::WatchOnce(
    const std::string& id, const std::function<bool(const pb::Job&)>& on_job,
    bool* over) {
  grpc::ClientContext context;
  SetTimeout(context, kStreamTimeout);
  pb::WatchJobRequest request;
  request.set_id(id);
  const auto reader = stub_->WatchJob(&context, request);
  pb::Job job;
  pb::CreateJobRequest asked;  // Only the first message carries it.
  while (reader->Read(&job)) {
    if (job.has_request())
      asked = job.request();
    else
      *job.mutable_request() = asked;
    reconnector_.Answered();
    *over = !on_job(job) || Stopped(job.state());
    if (*over) context.TryCancel();
    if (*over) break;
  }
  const grpc::Status status = reader->Finish();
  return *over ? absl::OkStatus() : StatusOf(status);
}

absl::Status GrpcCoordinatorClient::WatchJob(
    const std::string& id, const std::function<bool(const pb::Job&)>& on_job) {
  while (true) {
    bool over = false;
    absl::Status status = WatchOnce(id, on_job, &over);
    if (over) return absl::OkStatus();
    // Its deadline is a day, and nobody cancels it.
    if (status.ok() || absl::IsDeadlineExceeded(status) ||
        absl::IsCancelled(status))
      status = absl::UnavailableError("the watch ended early");
    if (!AgainAfter(status)) return status;
  }
}

absl::StatusOr<pb::UploadResponse> GrpcCoordinatorClient::Upload(
    const std::string& name, const ChunkSource& next_chunk) {
  grpc::ClientContext context;
  SetTimeout(context, kStreamTimeout);
  pb::UploadResponse response;
  const auto writer = stub_->Upload(&context, &response);
  pb::UploadRequest request;
  request.set_name(name);
  // The name goes alone, so that an empty file has a message too.
  bool writable = writer->Write(request);
  request.clear_name();
  Sha256 digest;
  int64_t bytes = 0;
  while (writable) {
    const absl::StatusOr<std::string> chunk = next_chunk();
    if (!chunk.ok()) {
      context.TryCancel();
      writer->Finish();
      return chunk.status();
    }
    if (chunk->empty()) break;
    // The one answer that there is before the last.
    if (channel_->GetState(false) == GRPC_CHANNEL_READY)
      reconnector_.Answered();
    digest.Update(*chunk);
    bytes += static_cast<int64_t>(chunk->size());
    for (size_t i = 0; writable && i < chunk->size(); i += kChunkBytes) {
      request.set_content(chunk->substr(i, kChunkBytes));
      writable = writer->Write(request);
    }
  }
  request.clear_content();
  request.mutable_end()->set_bytes(bytes);
  request.mutable_end()->set_sha256(digest.Finish());
  if (writable) writer->Write(request);
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return StatusOf(status);
  return response;
}

absl::StatusOr<pb::ListUploadsResponse> GrpcCoordinatorClient::ListUploads(
    const pb::ListUploadsRequest& request, absl::Duration timeout) {
  return Call(&Stub::ListUploads, request, timeout);
}

absl::StatusOr<pb::DeleteUploadResponse> GrpcCoordinatorClient::DeleteUpload(
    const pb::DeleteUploadRequest& request, absl::Duration timeout) {
  return Call(&Stub::DeleteUpload, request, timeout);
}

absl::Status GrpcCoordinatorClient::ReadOutput(const std::string& id,
                                               const std::string& part,
                                               int64_t offset,
                                               const ChunkSink& sink) {
  grpc::ClientContext context;
  SetTimeout(context, kStreamTimeout);
  pb::ReadOutputRequest request;
  request.set_id(id);
  request.set_part(part);
  request.set_offset(offset);
  const auto reader = stub_->ReadOutput(&context, request);
  pb::ReadOutputResponse response;
  absl::Status written;
  while (written.ok() && reader->Read(&response)) {
    reconnector_.Answered();
    written = sink(response.content());
  }
  if (!written.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  return written.ok() ? StatusOf(status) : written;
}

absl::StatusOr<pb::OutputPlace> GrpcCoordinatorClient::LocateOutput(
    const pb::LocateOutputRequest& request, absl::Duration timeout) {
  return Call(&Stub::LocateOutput, request, timeout);
}

}  // namespace troupe
