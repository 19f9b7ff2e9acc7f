// The CoordinatorService answers troupe.v1.Coordinator: each method checks,
// asks the scheduler, the registry or the stages' network, and answers.
//
// Thread safety: gRPC calls the methods from its own threads, several at once;
// they may block, since the server gives each call a thread.
#pragma once

#include <atomic>
#include <functional>

#include "absl/status/status.h"
#include "client/coordinator/job_scheduler.h"
#include "client/coordinator/stages/dispatcher.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.grpc.pb.h"

namespace troupe {

class CoordinatorService : public pb::Coordinator::Service {
 public:
  // What the methods work with. All of it outlives the service's last call.
  struct Company {
    const JobEnvironment* environment = nullptr;
    JobScheduler* scheduler = nullptr;
    Dispatcher* dispatcher = nullptr;
    std::function<pb::ActorStats()> stats;  // Of this process.
    std::function<void(pb::StopMode)>
        stop;  // Stops everything; returns at once.
  };

  // Until this, every method answers NOT_READY.
  void Open(Company company);
  // From now on: no new jobs, and watches end (DRAINING).
  void Drain() { draining_.store(true); }

  grpc::Status CreateJob(grpc::ServerContext* context,
                         const pb::CreateJobRequest* request,
                         pb::Job* response) override;
  grpc::Status GetJob(grpc::ServerContext* context,
                      const pb::GetJobRequest* request,
                      pb::Job* response) override;
  grpc::Status ListJobs(grpc::ServerContext* context,
                        const pb::ListJobsRequest* request,
                        pb::ListJobsResponse* response) override;
  grpc::Status DeleteJob(grpc::ServerContext* context,
                         const pb::DeleteJobRequest* request,
                         pb::DeleteJobResponse* response) override;
  grpc::Status CancelJob(grpc::ServerContext* context,
                         const pb::CancelJobRequest* request,
                         pb::Job* response) override;
  grpc::Status ResumeJob(grpc::ServerContext* context,
                         const pb::ResumeJobRequest* request,
                         pb::Job* response) override;
  grpc::Status GetJournal(grpc::ServerContext* context,
                          const pb::GetJournalRequest* request,
                          pb::Journal* response) override;
  grpc::Status WatchJob(grpc::ServerContext* context,
                        const pb::WatchJobRequest* request,
                        grpc::ServerWriter<pb::Job>* writer) override;
  grpc::Status Upload(grpc::ServerContext* context,
                      grpc::ServerReader<pb::UploadRequest>* reader,
                      pb::UploadResponse* response) override;
  grpc::Status ReadOutput(
      grpc::ServerContext* context, const pb::ReadOutputRequest* request,
      grpc::ServerWriter<pb::ReadOutputResponse>* writer) override;
  grpc::Status ListPipelines(grpc::ServerContext* context,
                             const pb::ListPipelinesRequest* request,
                             pb::ListPipelinesResponse* response) override;
  grpc::Status GetPipeline(grpc::ServerContext* context,
                           const pb::GetPipelineRequest* request,
                           pb::Pipeline* response) override;
  grpc::Status DeletePipeline(grpc::ServerContext* context,
                              const pb::DeletePipelineRequest* request,
                              pb::DeletePipelineResponse* response) override;
  grpc::Status GetTopology(grpc::ServerContext* context,
                           const pb::GetTopologyRequest* request,
                           pb::Topology* response) override;
  grpc::Status Stop(grpc::ServerContext* context,
                    const pb::StopCompanyRequest* request,
                    pb::StopCompanyResponse* response) override;

 private:
  absl::Status Ready() const;
  absl::Status TryCreateJob(const pb::CreateJobRequest& request,
                            pb::Job* response);
  absl::Status ShowJournal(const pb::GetJournalRequest& request,
                           pb::Journal* response);
  absl::Status Watch(grpc::ServerContext& context, const std::string& id,
                     grpc::ServerWriter<pb::Job>& writer);
  absl::Status TakeUpload(grpc::ServerReader<pb::UploadRequest>& reader,
                          pb::UploadResponse* response);
  absl::Status SendOutput(const pb::ReadOutputRequest& request,
                          grpc::ServerWriter<pb::ReadOutputResponse>& writer);

  std::atomic<bool> open_{false};  // Written after company_, read before it.
  std::atomic<bool> draining_{false};
  Company company_;
};

}  // namespace troupe
