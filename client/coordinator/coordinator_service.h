// The CoordinatorService answers troupe.v1.Coordinator: each method checks,
// asks the scheduler, the registry or the stages' network, and answers.
//
// It is served as the stages are: a call is a message to a lane. The methods
// may wait for the disk, so the lane "calls" has some threads, and not one for
// each call. Predict waits for the stages in no lane at all. Uploads and output
// go piece by piece through the lane "transfers", and watches hold no thread at
// all.
//
// Thread safety: the lanes' threads call Receive, several at once, between Open
// and the end of the lanes; Drain from any thread; the rest as said there.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/job_scheduler.h"
#include "client/coordinator/job_watches.h"
#include "client/coordinator/online/predictor.h"
#include "client/coordinator/stages/dispatcher.h"
#include "proto/pb.h"
#include "services/host/rpc_adapter.h"
#include "services/host/service_provider.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class CoordinatorService {
 public:
  // What the methods work with. All of it outlives the service's last call.
  struct Company {
    const JobEnvironment* environment = nullptr;
    JobScheduler* scheduler = nullptr;
    Dispatcher* dispatcher = nullptr;
    Predictor* predictor = nullptr;
    std::function<pb::ActorStats()> stats;  // Of this process.
    std::function<void(pb::StopMode)>
        stop;  // Stops everything; returns at once.
  };

  // Before the server starts. This object must outlive it.
  void ServeAt(RpcAdapter& adapter);
  static std::vector<LaneOptions> Lanes();
  static std::string LaneOf(const std::string& method);

  // Until this, every method answers NOT_READY.
  void Open(Company company);
  // From now on: no new jobs, and watches end (DRAINING).
  void Drain();

  // Answers one message of a lane.
  absl::StatusOr<Reply> Receive(Message& message, const Context& context);

  absl::StatusOr<pb::Job> CreateJob(pb::CreateJobRequest& request,
                                    const Context& context);
  absl::StatusOr<pb::Job> GetJob(pb::GetJobRequest& request,
                                 const Context& context);
  absl::StatusOr<pb::ListJobsResponse> ListJobs(pb::ListJobsRequest& request,
                                                const Context& context);
  absl::StatusOr<pb::DeleteJobResponse> DeleteJob(pb::DeleteJobRequest& request,
                                                  const Context& context);
  absl::StatusOr<pb::Job> CancelJob(pb::CancelJobRequest& request,
                                    const Context& context);
  absl::StatusOr<pb::Job> ResumeJob(pb::ResumeJobRequest& request,
                                    const Context& context);
  absl::StatusOr<pb::Journal> GetJournal(pb::GetJournalRequest& request,
                                         const Context& context);
  absl::StatusOr<pb::ListPipelinesResponse> ListPipelines(
      pb::ListPipelinesRequest& request, const Context& context);
  absl::StatusOr<pb::Pipeline> GetPipeline(pb::GetPipelineRequest& request,
                                           const Context& context);
  absl::StatusOr<pb::DeletePipelineResponse> DeletePipeline(
      pb::DeletePipelineRequest& request, const Context& context);
  absl::StatusOr<pb::SetLabelResponse> SetLabel(pb::SetLabelRequest& request,
                                                const Context& context);
  absl::StatusOr<pb::ListLabelsResponse> ListLabels(
      pb::ListLabelsRequest& request, const Context& context);
  absl::StatusOr<pb::ListUploadsResponse> ListUploads(
      pb::ListUploadsRequest& request, const Context& context);
  absl::StatusOr<pb::DeleteUploadResponse> DeleteUpload(
      pb::DeleteUploadRequest& request, const Context& context);
  absl::StatusOr<pb::ReadArtifactResponse> ReadArtifact(
      pb::ReadArtifactRequest& request, const Context& context);
  absl::StatusOr<pb::Pipeline> ImportPipeline(
      pb::ImportPipelineRequest& request, const Context& context);
  absl::StatusOr<pb::BackupResponse> Backup(pb::BackupRequest& request,
                                            const Context& context);
  absl::StatusOr<pb::OutputPlace> LocateOutput(pb::LocateOutputRequest& request,
                                               const Context& context);
  absl::StatusOr<pb::Topology> GetTopology(pb::GetTopologyRequest& request,
                                           const Context& context);

 private:
  absl::StatusOr<pb::Job> SubmitOrValidate(const pb::CreateJobRequest& request,
                                           const Context& context);
  absl::StatusOr<Reply> WatchJob(Message& message);
  void Predict(grpc::ByteBuffer& bytes, const CallInfo& info,
               std::shared_ptr<CancelToken> caller, Answer answer);
  absl::StatusOr<grpc::ByteBuffer> Stop(grpc::ByteBuffer& bytes);

  std::atomic<bool> open_{false};  // Written after company_, read before it.
  std::atomic<bool> draining_{false};
  Company company_;
  JobWatches watches_;
};

}  // namespace troupe
