// A CoordinatorClient over one gRPC channel.
//
// Thread safety: see CoordinatorClient.
#pragma once

#include <memory>
#include <string>

#include "client/rpc/coordinator_client.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "troupe/v1/coordinator.grpc.pb.h"

namespace troupe {

class GrpcCoordinatorClient : public CoordinatorClient {
 public:
  GrpcCoordinatorClient(const std::string& address, Reconnecting how);

  bool AgainAfter(const absl::Status& error) override;

  absl::StatusOr<pb::Job> CreateJob(const pb::CreateJobRequest& request,
                                    absl::Duration timeout) override;
  absl::StatusOr<pb::Job> GetJob(const pb::GetJobRequest& request,
                                 absl::Duration timeout) override;
  absl::StatusOr<pb::ListJobsResponse> ListJobs(
      const pb::ListJobsRequest& request, absl::Duration timeout) override;
  absl::StatusOr<pb::DeleteJobResponse> DeleteJob(
      const pb::DeleteJobRequest& request, absl::Duration timeout) override;
  absl::StatusOr<pb::Job> CancelJob(const pb::CancelJobRequest& request,
                                    absl::Duration timeout) override;
  absl::StatusOr<pb::Job> ResumeJob(const pb::ResumeJobRequest& request,
                                    absl::Duration timeout) override;
  absl::StatusOr<pb::Journal> GetJournal(const pb::GetJournalRequest& request,
                                         absl::Duration timeout) override;
  absl::Status WatchJob(
      const std::string& id,
      const std::function<bool(const pb::Job&)>& on_job) override;
  absl::StatusOr<pb::UploadResponse> Upload(
      const std::string& name, const ChunkSource& next_chunk) override;
  absl::StatusOr<pb::ListUploadsResponse> ListUploads(
      const pb::ListUploadsRequest& request, absl::Duration timeout) override;
  absl::StatusOr<pb::DeleteUploadResponse> DeleteUpload(
      const pb::DeleteUploadRequest& request, absl::Duration timeout) override;
  absl::Status ReadOutput(const std::string& id, const std::string& part,
                          int64_t offset, const ChunkSink& sink) override;
  absl::StatusOr<pb::OutputPlace> LocateOutput(
      const pb::LocateOutputRequest& request, absl::Duration timeout) override;
  absl::StatusOr<pb::ListPipelinesResponse> ListPipelines(
      const pb::ListPipelinesRequest& request, absl::Duration timeout) override;
  absl::StatusOr<pb::Pipeline> GetPipeline(
      const pb::GetPipelineRequest& request, absl::Duration timeout) override;
  absl::StatusOr<pb::DeletePipelineResponse> DeletePipeline(
      const pb::DeletePipelineRequest& request,
      absl::Duration timeout) override;
  absl::StatusOr<pb::SetLabelResponse> SetLabel(
      const pb::SetLabelRequest& request, absl::Duration timeout) override;
  absl::StatusOr<pb::ListLabelsResponse> ListLabels(
      const pb::ListLabelsRequest& request, absl::Duration timeout) override;
  absl::StatusOr<pb::PredictResponse> Predict(const pb::PredictRequest& request,
                                              absl::Duration timeout) override;
  absl::StatusOr<pb::ReadArtifactResponse> ReadArtifact(
      const pb::ReadArtifactRequest& request, absl::Duration timeout) override;
  absl::StatusOr<pb::Pipeline> ImportPipeline(
      const pb::ImportPipelineRequest& request,
      absl::Duration timeout) override;
  absl::StatusOr<pb::BackupResponse> Backup(const pb::BackupRequest& request,
                                            absl::Duration timeout) override;
  absl::StatusOr<pb::Topology> GetTopology(
      const pb::GetTopologyRequest& request, absl::Duration timeout) override;
  absl::StatusOr<pb::StopCompanyResponse> Stop(
      const pb::StopCompanyRequest& request, absl::Duration timeout) override;
  absl::Status CheckHealth(const std::string& service,
                           absl::Duration timeout) override;

 private:
  using Stub = pb::Coordinator::StubInterface;

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request, absl::Duration timeout, bool repeatable = true);
  absl::Status StatusOf(const grpc::Status& status) const;
  // One connected stretch of a watch. Sets `over` when nothing more is to be
  // watched.
  absl::Status WatchOnce(const std::string& id,
                         const std::function<bool(const pb::Job&)>& on_job,
                         bool* over);

  const std::string address_;
  Reconnector reconnector_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<Stub> stub_;
  const std::unique_ptr<grpc::health::v1::Health::StubInterface> health_;
};

}  // namespace troupe
