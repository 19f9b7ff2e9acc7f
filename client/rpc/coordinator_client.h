// A CoordinatorClient calls troupe.v1.Coordinator: the command line and tests
// speak to the coordinator through it.
//
// Errors come back as absl::Status with the reason and metadata the coordinator
// gave (services/base/errors.h). A coordinator that cannot be reached is
// UNAVAILABLE (COORDINATOR_UNREACHABLE) with a message that names the address.
//
// Thread safety: all methods may be called from any thread, and block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/rpc/reconnector.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class CoordinatorClient {
 public:
  // Returns the next piece of a file, of any size; "" at its end.
  using ChunkSource = std::function<absl::StatusOr<std::string>()>;
  // Takes the next piece of output; an error ends the reading.
  using ChunkSink = std::function<absl::Status(absl::string_view)>;

  virtual ~CoordinatorClient() = default;

  // `address` is HOST:PORT. Never fails and never waits: the first call does.
  // A call that may be repeated is, where the connection was lost (`how`):
  // all but Stop, CheckHealth, Upload and ReadOutput; CreateJob with a
  // request_id.
  static std::unique_ptr<CoordinatorClient> Connect(const std::string& address,
                                                    Reconnecting how = {});

  // For those whom only the caller can repeat: Reconnector::AgainAfter.
  virtual bool AgainAfter(const absl::Status& error) = 0;

  // --- Jobs ------------------------------------------------------------------
  virtual absl::StatusOr<pb::Job> CreateJob(
      const pb::CreateJobRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::Job> GetJob(
      const pb::GetJobRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::ListJobsResponse> ListJobs(
      const pb::ListJobsRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::DeleteJobResponse> DeleteJob(
      const pb::DeleteJobRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::Job> CancelJob(
      const pb::CancelJobRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::Job> ResumeJob(
      const pb::ResumeJobRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;

  virtual absl::StatusOr<pb::Journal> GetJournal(
      const pb::GetJournalRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;

  // Calls `on_job` at every change until the job has ended or waits for disk
  // space (OK), `on_job` returns false (OK), or an error. `on_job` may see a
  // job again after the connection was lost.
  virtual absl::Status WatchJob(
      const std::string& id,
      const std::function<bool(const pb::Job&)>& on_job) = 0;

  // --- Files -----------------------------------------------------------------
  // Sends a file, decompressed. `name` is what the user calls it.
  virtual absl::StatusOr<pb::UploadResponse> Upload(
      const std::string& name, const ChunkSource& next_chunk) = 0;

  virtual absl::StatusOr<pb::ListUploadsResponse> ListUploads(
      const pb::ListUploadsRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::DeleteUploadResponse> DeleteUpload(
      const pb::DeleteUploadRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;

  // Reads one part of a finished job's output from byte `offset` to its end.
  virtual absl::Status ReadOutput(const std::string& id,
                                  const std::string& part, int64_t offset,
                                  const ChunkSink& sink) = 0;
  virtual absl::StatusOr<pb::OutputPlace> LocateOutput(
      const pb::LocateOutputRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;

  // --- Pipelines -------------------------------------------------------------
  virtual absl::StatusOr<pb::ListPipelinesResponse> ListPipelines(
      const pb::ListPipelinesRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::Pipeline> GetPipeline(
      const pb::GetPipelineRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::DeletePipelineResponse> DeletePipeline(
      const pb::DeletePipelineRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::ReadArtifactResponse> ReadArtifact(
      const pb::ReadArtifactRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::Pipeline> ImportPipeline(
      const pb::ImportPipelineRequest& request,
      absl::Duration timeout = absl::Minutes(10)) = 0;

  virtual absl::StatusOr<pb::SetLabelResponse> SetLabel(
      const pb::SetLabelRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::ListLabelsResponse> ListLabels(
      const pb::ListLabelsRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  // Answers rows at once.
  virtual absl::StatusOr<pb::PredictResponse> Predict(
      const pb::PredictRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;

  // --- The company -----------------------------------------------------------
  virtual absl::StatusOr<pb::BackupResponse> Backup(
      const pb::BackupRequest& request,
      absl::Duration timeout = absl::Hours(24)) = 0;
  virtual absl::StatusOr<pb::Topology> GetTopology(
      const pb::GetTopologyRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;
  virtual absl::StatusOr<pb::StopCompanyResponse> Stop(
      const pb::StopCompanyRequest& request,
      absl::Duration timeout = absl::Seconds(30)) = 0;

  // OK when `service` ("" for the whole process) says SERVING; UNAVAILABLE when
  // not; NOT_FOUND when it is unknown there.
  virtual absl::Status CheckHealth(
      const std::string& service,
      absl::Duration timeout = absl::Seconds(5)) = 0;
};

}  // namespace troupe
