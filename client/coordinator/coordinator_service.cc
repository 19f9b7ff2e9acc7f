#include "client/coordinator/coordinator_service.h"

#include <map>
#include <utility>

#include "absl/strings/strip.h"
#include "client/coordinator/file_transfers.h"
#include "client/coordinator/jobs/job_request.h"
#include "client/coordinator/jobs/job_run.h"
#include "client/coordinator/stages/topology.h"
#include "client/coordinator/state/backup.h"
#include "client/coordinator/state/garbage.h"
#include "client/coordinator/state/pipeline_import.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/rpc_payload.h"
#include "services/host/typed_call.h"

namespace troupe {
namespace {

constexpr char kService[] = "troupe.v1.Coordinator/";

// Calls wait for the disk and for each other's locks, not for a core; those
// that validate, for the stages.
constexpr int kCallThreads = 24;
constexpr int kTransferThreads = 4;
constexpr int64_t kWaitingCalls = 256;
constexpr int64_t kWaitingCallBytes = int64_t{128} << 20;
// More than may be open: a step is never refused.
constexpr int64_t kWaitingSteps = 1024;
constexpr int64_t kWaitingStepBytes = int64_t{1} << 30;

// A job stays in memory until it has ended; its request holds a pipeline, at
// most with a type for every column. Others name what they mean.
constexpr int64_t kMaxJobBytes = int64_t{2} << 20;
constexpr int64_t kMaxRequestBytes = int64_t{64} << 10;
// A version with its report, as GetPipeline answers it.
constexpr int64_t kMaxPipelineBytes = int64_t{16} << 20;

absl::Status CheckSize(const std::string& name, int64_t bytes) {
  const int64_t most = name == "CreateJob"        ? kMaxJobBytes
                       : name == "ImportPipeline" ? kMaxPipelineBytes
                                                  : kMaxRequestBytes;
  return bytes <= most ? absl::OkStatus()
                       : MessageTooLarge(name + "Request", bytes, most);
}

constexpr int64_t kArtifactPiece = int64_t{1} << 20;

using Receiver = absl::StatusOr<Reply> (*)(CoordinatorService&, Message&,
                                           const Context&);

template <auto kMethod>
absl::StatusOr<Reply> Typed(CoordinatorService& service, Message& message,
                            const Context& context) {
  return CallTyped(service, kMethod, message, context);
}

const std::map<std::string, Receiver>& Receivers() {
  using Service = CoordinatorService;
  static const auto* const receivers = new std::map<std::string, Receiver>{
      {"CreateJob", &Typed<&Service::CreateJob>},
      {"GetJob", &Typed<&Service::GetJob>},
      {"ListJobs", &Typed<&Service::ListJobs>},
      {"DeleteJob", &Typed<&Service::DeleteJob>},
      {"CancelJob", &Typed<&Service::CancelJob>},
      {"ResumeJob", &Typed<&Service::ResumeJob>},
      {"GetJournal", &Typed<&Service::GetJournal>},
      {"ListUploads", &Typed<&Service::ListUploads>},
      {"DeleteUpload", &Typed<&Service::DeleteUpload>},
      {"ReadArtifact", &Typed<&Service::ReadArtifact>},
      {"ImportPipeline", &Typed<&Service::ImportPipeline>},
      {"Backup", &Typed<&Service::Backup>},
      {"ListPipelines", &Typed<&Service::ListPipelines>},
      {"GetPipeline", &Typed<&Service::GetPipeline>},
      {"DeletePipeline", &Typed<&Service::DeletePipeline>},
      {"SetLabel", &Typed<&Service::SetLabel>},
      {"ListLabels", &Typed<&Service::ListLabels>},
      {"GetTopology", &Typed<&Service::GetTopology>},
      {"LocateOutput", &Typed<&Service::LocateOutput>},
  };
  return *receivers;
}

bool IsTransfer(const std::string& method) {
  return method == std::string(kService) + "Upload" ||
         method == std::string(kService) + "ReadOutput";
}

}  // namespace

std::vector<LaneOptions> CoordinatorService::Lanes() {
  return {{"calls", kWaitingCalls, kWaitingCallBytes, kCallThreads},
          {"transfers", kWaitingSteps, kWaitingStepBytes, kTransferThreads}};
}

std::string CoordinatorService::LaneOf(const std::string& method) {
  return IsTransfer(method) ? "transfers" : "calls";
}

void CoordinatorService::ServeAt(RpcAdapter& adapter) {
  const std::string service = kService;
  adapter.AddInline(service + "Stop",
                    [this](grpc::ByteBuffer& bytes) { return Stop(bytes); });
  adapter.AddDeferred(
      service + "Predict",
      [this](grpc::ByteBuffer& bytes, const CallInfo& info,
             std::shared_ptr<CancelToken> caller, Answer answer) {
        Predict(bytes, info, std::move(caller), std::move(answer));
      });
  adapter.AddTransfer(service + "Upload", [this]() {
    return std::make_unique<UploadTransfer>(company_.environment);
  });
  adapter.AddTransfer(service + "ReadOutput", [this]() {
    return std::make_unique<OutputTransfer>(company_.environment,
                                            company_.scheduler);
  });
}

void CoordinatorService::Open(Company company) {
  company_ = std::move(company);
  open_.store(true, std::memory_order_release);
}

void CoordinatorService::Drain() {
  draining_.store(true);
  if (open_.load(std::memory_order_acquire)) company_.predictor->Drain();
  watches_.End(Draining("coordinator"));
}

absl::StatusOr<Reply> CoordinatorService::Receive(Message& message,
                                                  const Context& context) {
  if (auto reply = RunTransferStep(message)) return *std::move(reply);
  const std::string name(absl::StripPrefix(message.method, kService));
  RETURN_IF_ERROR(CheckSize(name, message.bytes));
  if (name == "WatchJob") return WatchJob(message);
  const auto found = Receivers().find(name);
  if (found == Receivers().end()) return UnknownMethod(message.method);
  return found->second(*this, message, context);
}

void CoordinatorService::Predict(grpc::ByteBuffer& bytes, const CallInfo& info,
                                 std::shared_ptr<CancelToken> caller,
                                 Answer answer) {
  if (!open_.load(std::memory_order_acquire))
    return answer(NotReady("coordinator"));
  pb::PredictRequest request;
  const absl::Status parsed = ParseBytes(bytes, request);
  if (!parsed.ok()) return answer(parsed);
  company_.predictor->Predict(
      std::move(request), info.deadline,
      [caller = std::move(caller)] { return caller->cancelled(); },
      [answer](absl::StatusOr<pb::PredictResponse> response) {
        answer(response.ok() ? SerializeBytes(*response)
                             : absl::StatusOr<grpc::ByteBuffer>(
                                   std::move(response).status()));
      });
}

absl::StatusOr<pb::Job> CoordinatorService::CreateJob(
    pb::CreateJobRequest& request, const Context& context) {
  if (draining_.load()) return Draining("coordinator");
  RETURN_IF_ERROR(CompleteRequest(request));
  absl::StatusOr<pb::Job> created = SubmitOrValidate(request, context);
  if (created.ok()) return created;
  return InSentYaml(request, created.status());
}

absl::StatusOr<pb::Job> CoordinatorService::SubmitOrValidate(
    const pb::CreateJobRequest& request, const Context& context) {
  const JobEnvironment& environment = *company_.environment;
  // A job that is there already needs no checks: what it named may be gone.
  const auto known = environment.jobs->FindRequest(request);
  if (known.ok()) return company_.scheduler->Get(*known);
  if (ReasonOf(known.status()) != "JOB_NOT_FOUND") return known.status();
  ASSIGN_OR_RETURN(pb::Job job, MakeJob(request, *environment.pipelines,
                                        *environment.uploads));
  if (request.validate_only())
    return company_.scheduler->Validate(
        job, [&context] { return context.cancelled(); });
  auto submitted = company_.scheduler->Submit(job);
  // A version that was deleted meanwhile: the name may have another.
  while (ReasonOf(submitted.status()) == "PIPELINE_NOT_FOUND") {
    ASSIGN_OR_RETURN(
        job, MakeJob(request, *environment.pipelines, *environment.uploads));
    submitted = company_.scheduler->Submit(job);
  }
  return submitted;
}

absl::StatusOr<pb::Job> CoordinatorService::GetJob(pb::GetJobRequest& request,
                                                   const Context&) {
  return company_.scheduler->Get(request.id());
}

absl::StatusOr<pb::ListJobsResponse> CoordinatorService::ListJobs(
    pb::ListJobsRequest& request, const Context&) {
  ASSIGN_OR_RETURN(pb::ListJobsResponse page,
                   company_.environment->jobs->List(request));
  for (pb::Job& job : *page.mutable_jobs()) {
    const auto live = company_.scheduler->FindLive(job.id());
    if (live == nullptr) continue;
    pb::Job now = live->Get().job;
    now.clear_report();
    now.clear_request();
    // Its progress is newer; what it was listed for stays so.
    if (now.state() != job.state() && request.states_size() > 0)
      *job.mutable_progress() = now.progress();
    else
      job = std::move(now);
  }
  return page;
}

absl::StatusOr<pb::DeleteJobResponse> CoordinatorService::DeleteJob(
    pb::DeleteJobRequest& request, const Context&) {
  RETURN_IF_ERROR(company_.scheduler->Delete(request.id()));
  return pb::DeleteJobResponse();
}

absl::StatusOr<pb::Job> CoordinatorService::CancelJob(
    pb::CancelJobRequest& request, const Context&) {
  return company_.scheduler->Cancel(request.id());
}

absl::StatusOr<pb::Job> CoordinatorService::ResumeJob(
    pb::ResumeJobRequest& request, const Context&) {
  return company_.scheduler->Resume(request.id());
}

absl::StatusOr<pb::Journal> CoordinatorService::GetJournal(
    pb::GetJournalRequest& request, const Context&) {
  RETURN_IF_ERROR(company_.scheduler->Get(request.id()).status());
  return company_.environment->journal->Show(request);
}

absl::StatusOr<Reply> CoordinatorService::WatchJob(Message& message) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Watch> watch, WatchOf(message));
  pb::WatchJobRequest request;
  RETURN_IF_ERROR(ParsePayload(message, request));
  if (auto live = company_.scheduler->FindLive(request.id())) {
    watches_.Add(std::move(live), watch);
    return Reply{};
  }
  ASSIGN_OR_RETURN(const pb::Job job,
                   company_.environment->jobs->Get(request.id()));
  ASSIGN_OR_RETURN(grpc::ByteBuffer bytes, SerializeBytes(job));
  watch->Send(std::move(bytes));
  watch->End(absl::OkStatus());
  return Reply{};
}

absl::StatusOr<pb::ListPipelinesResponse> CoordinatorService::ListPipelines(
    pb::ListPipelinesRequest& request, const Context&) {
  return company_.environment->pipelines->List(request);
}

absl::StatusOr<pb::Pipeline> CoordinatorService::GetPipeline(
    pb::GetPipelineRequest& request, const Context&) {
  return company_.environment->pipelines->Get(request.pipeline());
}

absl::StatusOr<pb::DeletePipelineResponse> CoordinatorService::DeletePipeline(
    pb::DeletePipelineRequest& request, const Context&) {
  RETURN_IF_ERROR(company_.environment->pipelines->Delete(request.pipeline()));
  company_.scheduler->CollectArtifacts();
  return pb::DeletePipelineResponse();
}

absl::StatusOr<pb::SetLabelResponse> CoordinatorService::SetLabel(
    pb::SetLabelRequest& request, const Context&) {
  RETURN_IF_ERROR(company_.environment->pipelines->SetLabel(
      request, company_.environment->clock->Now()));
  return pb::SetLabelResponse();
}

absl::StatusOr<pb::ListLabelsResponse> CoordinatorService::ListLabels(
    pb::ListLabelsRequest& request, const Context&) {
  return company_.environment->pipelines->Labels(request.name());
}

absl::StatusOr<pb::ListUploadsResponse> CoordinatorService::ListUploads(
    pb::ListUploadsRequest& request, const Context&) {
  return company_.environment->uploads->List(request);
}

absl::StatusOr<pb::DeleteUploadResponse> CoordinatorService::DeleteUpload(
    pb::DeleteUploadRequest& request, const Context&) {
  RETURN_IF_ERROR(company_.environment->uploads->Delete(request.id()));
  RETURN_IF_ERROR(CollectGarbage(*company_.environment->database).status());
  return pb::DeleteUploadResponse();
}

absl::StatusOr<pb::ReadArtifactResponse> CoordinatorService::ReadArtifact(
    pb::ReadArtifactRequest& request, const Context&) {
  ASSIGN_OR_RETURN(ArtifactStore::Piece piece,
                   company_.environment->artifacts->ReadPiece(
                       request.sha256(), request.offset(), kArtifactPiece));
  pb::ReadArtifactResponse response;
  response.set_content(std::move(piece.content));
  response.set_bytes(piece.whole_bytes);
  return response;
}

absl::StatusOr<pb::Pipeline> CoordinatorService::ImportPipeline(
    pb::ImportPipelineRequest& request, const Context&) {
  const JobEnvironment& environment = *company_.environment;
  return troupe::ImportPipeline(request, *environment.uploads,
                                *environment.artifacts, *environment.pipelines);
}

absl::StatusOr<pb::BackupResponse> CoordinatorService::Backup(
    pb::BackupRequest& request, const Context&) {
  RETURN_IF_ERROR(
      WriteBackup(*company_.environment->database, request.directory()));
  return pb::BackupResponse();
}

absl::StatusOr<pb::OutputPlace> CoordinatorService::LocateOutput(
    pb::LocateOutputRequest& request, const Context&) {
  return troupe::LocateOutput(*company_.environment, *company_.scheduler,
                              request);
}

absl::StatusOr<pb::Topology> CoordinatorService::GetTopology(
    pb::GetTopologyRequest&, const Context&) {
  pb::Topology topology = DescribeTopology(*company_.dispatcher);
  *topology.mutable_coordinator() = company_.stats();
  *topology.mutable_state() = company_.environment->meter->Latest();
  *topology.mutable_jobs() = company_.scheduler->Describe();
  return topology;
}

// Beside the lanes, since it must work while they are full.
absl::StatusOr<grpc::ByteBuffer> CoordinatorService::Stop(
    grpc::ByteBuffer& bytes) {
  if (!open_.load(std::memory_order_acquire)) return NotReady("coordinator");
  pb::StopCompanyRequest request;
  RETURN_IF_ERROR(ParseBytes(bytes, request));
  company_.stop(request.mode());
  return SerializeBytes(pb::StopCompanyResponse());
}

}  // namespace troupe
