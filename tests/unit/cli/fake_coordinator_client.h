// A FakeCoordinatorClient plays the coordinator for the commands' tests: it
// notes what it is asked and answers what the test puts into its fields.
//
// Thread safety: one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "client/rpc/coordinator_client.h"
#include "services/base/errors.h"

namespace troupe {

class FakeCoordinatorClient : public CoordinatorClient {
 public:
  // --- Answers ---------------------------------------------------------------
  absl::Status error;            // Where not OK, the answer to everything.
  absl::Status create_error;     // To CreateJob.
  absl::Status check_error;      // To one that asks for the input only.
  int create_errors = 1 << 30;   // So often.
  absl::Status health;           // To CheckHealth.
  std::vector<pb::Job> updates;  // What WatchJob tells, in turn.
  pb::Job job;                   // To GetJob, CancelJob, ResumeJob.
  std::vector<pb::ListJobsResponse> pages;  // By page token "", "1", "2", ...
  pb::Journal journal;                      // The first page.
  pb::Journal more_journal;                 // The second.
  pb::Pipeline pipeline;
  pb::PredictResponse predictions;
  pb::ListLabelsResponse labels;
  pb::ListPipelinesResponse pipelines;
  pb::Topology topology;
  std::map<std::string, std::string> parts;       // To ReadOutput, by name.
  std::map<std::string, pb::OutputPlace> places;  // To LocateOutput, by name.
  int retries = 5;  // So often AgainAfter says yes.
  int breaks = 0;   // So often ReadOutput breaks off in the middle.

  // --- What was asked --------------------------------------------------------
  std::vector<pb::CreateJobRequest> created;
  std::vector<pb::CreateJobRequest> checked;
  std::vector<pb::ListJobsRequest> listed;
  std::map<std::string, std::string> uploads;  // By name.
  std::vector<std::string> calls;

  bool AgainAfter(const absl::Status& status) override {
    return absl::IsUnavailable(status) && retries-- > 0;
  }

  absl::StatusOr<pb::Job> CreateJob(const pb::CreateJobRequest& request,
                                    absl::Duration) override {
    if (request.validate_only() && request.request_id().empty()) {
      checked.push_back(request);
      if (!check_error.ok()) return check_error;
      return pb::Job();
    }
    created.push_back(request);
    if (!create_error.ok() && create_errors-- > 0) return create_error;
    pb::Job answer;
    if (!request.validate_only()) answer.set_id("job-1");
    return Answer("CreateJob", answer);
  }
  absl::StatusOr<pb::Job> GetJob(const pb::GetJobRequest& request,
                                 absl::Duration) override {
    return Answer("GetJob " + request.id(), job);
  }
  absl::StatusOr<pb::ListJobsResponse> ListJobs(
      const pb::ListJobsRequest& request, absl::Duration) override {
    listed.push_back(request);
    const size_t page =
        request.page_token().empty() ? 0 : std::stoul(request.page_token());
    if (page >= pages.size()) return pb::ListJobsResponse();
    return Answer("ListJobs", pages[page]);
  }
  absl::StatusOr<pb::DeleteJobResponse> DeleteJob(
      const pb::DeleteJobRequest& request, absl::Duration) override {
    return Answer("DeleteJob " + request.id(), pb::DeleteJobResponse());
  }
  absl::StatusOr<pb::Job> CancelJob(const pb::CancelJobRequest& request,
                                    absl::Duration) override {
    return Answer("CancelJob " + request.id(), job);
  }
  absl::StatusOr<pb::Job> ResumeJob(const pb::ResumeJobRequest& request,
                                    absl::Duration) override {
    return Answer("ResumeJob " + request.id(), job);
  }
  absl::StatusOr<pb::Journal> GetJournal(const pb::GetJournalRequest& request,
                                         absl::Duration) override {
    return Answer("GetJournal " + request.id() + " " + request.page_token(),
                  request.page_token().empty() ? journal : more_journal);
  }
  absl::Status WatchJob(
      const std::string& id,
      const std::function<bool(const pb::Job&)>& on_job) override {
    calls.push_back("WatchJob " + id);
    if (!error.ok()) return error;
    for (const pb::Job& update : updates)
      if (!on_job(update)) break;
    return absl::OkStatus();
  }
  absl::StatusOr<pb::UploadResponse> Upload(const std::string& name,
                                            const ChunkSource& next) override {
    calls.push_back("Upload " + name);
    while (true) {
      const absl::StatusOr<std::string> chunk = next();
      if (!chunk.ok()) return absl::CancelledError("the caller gave up");
      if (chunk->empty()) break;
      uploads[name] += *chunk;
    }
    if (!error.ok()) return error;
    pb::UploadResponse response;
    response.set_id("upload-1");
    return response;
  }
  absl::StatusOr<pb::ListUploadsResponse> ListUploads(
      const pb::ListUploadsRequest&, absl::Duration) override {
    return Answer("ListUploads", pb::ListUploadsResponse());
  }
  absl::StatusOr<pb::DeleteUploadResponse> DeleteUpload(
      const pb::DeleteUploadRequest& request, absl::Duration) override {
    return Answer("DeleteUpload " + request.id(), pb::DeleteUploadResponse());
  }
  absl::Status ReadOutput(const std::string& id, const std::string& part,
                          int64_t offset, const ChunkSink& sink) override {
    calls.push_back("ReadOutput " + id + " " + part + " " +
                    std::to_string(offset));
    std::string rest = parts[part].substr(static_cast<size_t>(offset));
    const bool broken = breaks-- > 0;
    if (broken) rest.resize(rest.size() / 2);
    if (const absl::Status status = sink(rest); !status.ok()) return status;
    return broken ? absl::UnavailableError("broken") : absl::OkStatus();
  }
  absl::StatusOr<pb::OutputPlace> LocateOutput(
      const pb::LocateOutputRequest& request, absl::Duration) override {
    calls.push_back("LocateOutput " + request.id() + " " + request.part());
    const auto found = places.find(request.part());
    if (found == places.end()) return absl::NotFoundError("elsewhere");
    return found->second;
  }
  absl::StatusOr<pb::ListPipelinesResponse> ListPipelines(
      const pb::ListPipelinesRequest& request, absl::Duration) override {
    return Answer("ListPipelines " + request.name(), pipelines);
  }
  absl::StatusOr<pb::SetLabelResponse> SetLabel(
      const pb::SetLabelRequest& request, absl::Duration) override {
    return Answer("SetLabel " + request.pipeline() + " " + request.label(),
                  pb::SetLabelResponse());
  }
  absl::StatusOr<pb::ListLabelsResponse> ListLabels(
      const pb::ListLabelsRequest& request, absl::Duration) override {
    return Answer("ListLabels " + request.name(), labels);
  }
  absl::StatusOr<pb::PredictResponse> Predict(const pb::PredictRequest& request,
                                              absl::Duration) override {
    return Answer("Predict " + request.pipeline() + " " + request.json_lines(),
                  predictions);
  }
  absl::StatusOr<pb::ReadArtifactResponse> ReadArtifact(
      const pb::ReadArtifactRequest& request, absl::Duration) override {
    return Answer("ReadArtifact " + request.sha256(),
                  pb::ReadArtifactResponse());
  }
  absl::StatusOr<pb::Pipeline> ImportPipeline(
      const pb::ImportPipelineRequest& request, absl::Duration) override {
    return Answer("ImportPipeline", request.pipeline());
  }
  absl::StatusOr<pb::BackupResponse> Backup(const pb::BackupRequest& request,
                                            absl::Duration) override {
    return Answer("Backup " + request.directory(), pb::BackupResponse());
  }
  absl::StatusOr<pb::Pipeline> GetPipeline(
      const pb::GetPipelineRequest& request, absl::Duration) override {
    return Answer("GetPipeline " + request.pipeline(), pipeline);
  }
  absl::StatusOr<pb::DeletePipelineResponse> DeletePipeline(
      const pb::DeletePipelineRequest& request, absl::Duration) override {
    return Answer("DeletePipeline " + request.pipeline(),
                  pb::DeletePipelineResponse());
  }
  absl::StatusOr<pb::Topology> GetTopology(const pb::GetTopologyRequest&,
                                           absl::Duration) override {
    return Answer("GetTopology", topology);
  }
  absl::StatusOr<pb::StopCompanyResponse> Stop(
      const pb::StopCompanyRequest& request, absl::Duration) override {
    return Answer("Stop " + pb::StopMode_Name(request.mode()),
                  pb::StopCompanyResponse());
  }
  absl::Status CheckHealth(const std::string& service,
                           absl::Duration) override {
    calls.push_back("CheckHealth " + service);
    return error.ok() ? health : error;
  }

 private:
  template <typename T>
  absl::StatusOr<T> Answer(const std::string& call, const T& answer) {
    calls.push_back(call);
    if (!error.ok()) return error;
    return answer;
  }
};

}  // namespace troupe
