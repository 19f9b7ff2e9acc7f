#include "client/coordinator/coordinator.h"

#include <cstdlib>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "client/coordinator/coordinator_service.h"
#include "client/coordinator/housekeeper.h"
#include "client/coordinator/job_scheduler.h"
#include "client/coordinator/online/http_predict.h"
#include "client/coordinator/online/predictor.h"
#include "client/coordinator/process_stats.h"
#include "client/coordinator/stages/stage_flag.h"
#include "client/coordinator/stages/stage_network.h"
#include "client/coordinator/stages/topology.h"
#include "client/coordinator/state/database.h"
#include "client/coordinator/state/garbage.h"
#include "client/coordinator/state/storage.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"
#include "services/host/host_flags.h"
#include "services/host/http_listener.h"

ABSL_FLAG(std::string, state_dir, "troupe-state",
          "directory for jobs, pipelines, uploads and output");
ABSL_FLAG(bool, accept_state, false,
          "start although the state database is not the one that the state "
          "directory knows; give it once, not for ever");
ABSL_FLAG(
    int, max_running_jobs, 8,
    "long jobs that run at once; others wait. Short ones, such as inspect "
    "and a small evaluate, do not wait for them");
ABSL_FLAG(int64_t, max_unfinished_jobs, 1000,
          "jobs that wait or run; beyond, CreateJob and ResumeJob are refused "
          "(TOO_MANY_JOBS)");
ABSL_FLAG(int64_t, max_batch_bytes, int64_t{32} << 20,
          "a table in one message to a stage, bytes, at most");
ABSL_FLAG(int64_t, split_bytes, int64_t{4} << 20,
          "text of one batch, bytes, about");
ABSL_FLAG(int64_t, job_window_bytes, int64_t{256} << 20,
          "one job's batches under way, bytes");
ABSL_FLAG(int, job_window_batches, 16, "one job's batches under way");
ABSL_FLAG(int64_t, online_batch_rows, 1024,
          "rows of several requests that leave as one table, at most");
ABSL_FLAG(absl::Duration, online_batch_wait, absl::ZeroDuration(),
          "how long a request waits for others to leave with; 0: it leaves "
          "with those that are there");
ABSL_FLAG(int64_t, online_queue_rows, 16'384,
          "rows of requests that wait, at most; beyond, Predict is refused "
          "(TOO_MANY_REQUESTS)");
ABSL_FLAG(int, http_port, -1,
          "port for HTTP at --listen: POST /predict/NAME; 0: any free one; -1: "
          "none");
ABSL_FLAG(std::string, http_port_file, "",
          "file to write the HTTP port to, once it serves");
ABSL_FLAG(int64_t, max_part_bytes, int64_t{1} << 40,
          "size from which an output goes on in another part");
ABSL_FLAG(int64_t, max_artifact_bytes, int64_t{4} << 30,
          "largest fitted model or preprocessor, bytes");
ABSL_FLAG(int64_t, max_upload_bytes, int64_t{64} << 30, "largest upload");
ABSL_FLAG(absl::Duration, call_timeout, absl::Minutes(5),
          "deadline of one call to a stage");
ABSL_FLAG(absl::Duration, work_limit, absl::Minutes(2),
          "how long a stage may work on one batch; one that takes longer is "
          "searched for the guilty rows. Below --call_timeout");
ABSL_FLAG(absl::Duration, fit_timeout, absl::Hours(24),
          "deadline of one fit of a model");
ABSL_FLAG(absl::Duration, max_stall, absl::Minutes(30),
          "how long a job waits for a stage without replicas");
ABSL_FLAG(absl::Duration, keep_jobs, absl::Hours(24 * 30),
          "ended jobs and their output are removed after so long, of the time "
          "that the coordinator runs");
ABSL_FLAG(int64_t, max_kept_jobs, 10'000,
          "so many ended jobs are kept, the newest");
ABSL_FLAG(int64_t, max_state_bytes, 0,
          "what the state directory may hold; beyond it the oldest output is "
          "removed with its job, and uploads are refused (0: no limit)");
ABSL_FLAG(int64_t, reserve_bytes, int64_t{64} << 20,
          "what uploads leave free on the disk, so that the journal can go on");
ABSL_FLAG(std::string, output_mode, "0600",
          "permissions of output files, octal; who may read them may also find "
          "them");
ABSL_FLAG(absl::Duration, keep_uploads, absl::Hours(24),
          "uploads that no job used are removed after so long, likewise");

namespace troupe {
namespace {

// So long the stages' stop waits for the jobs, which may wait for a disk.
constexpr absl::Duration kSuspend = absl::Seconds(2);
constexpr absl::Duration kSuspendNow = absl::Milliseconds(100);
// And so long this process waits for the stages' acknowledgement.
constexpr absl::Duration kTell = absl::Seconds(2);
constexpr absl::Duration kTellNow = absl::Milliseconds(500);

absl::StatusOr<JobLimits> ReadLimits() {
  JobLimits limits;
  limits.max_batch_bytes = absl::GetFlag(FLAGS_max_batch_bytes);
  limits.split_bytes = absl::GetFlag(FLAGS_split_bytes);
  limits.window_bytes = absl::GetFlag(FLAGS_job_window_bytes);
  limits.window_batches = absl::GetFlag(FLAGS_job_window_batches);
  limits.max_part_bytes = absl::GetFlag(FLAGS_max_part_bytes);
  limits.max_artifact_bytes = absl::GetFlag(FLAGS_max_artifact_bytes);
  limits.call_timeout = absl::GetFlag(FLAGS_call_timeout);
  limits.work_limit = absl::GetFlag(FLAGS_work_limit);
  limits.fit_timeout = absl::GetFlag(FLAGS_fit_timeout);
  limits.max_stall = absl::GetFlag(FLAGS_max_stall);
  if (limits.max_batch_bytes < 1 << 16 || limits.split_bytes < 1 ||
      limits.split_bytes > int64_t{8} << 20 || limits.window_bytes < 1 ||
      limits.window_batches < 1 || limits.max_part_bytes < 1 ||
      limits.max_artifact_bytes < 1 ||
      absl::GetFlag(FLAGS_max_running_jobs) < 1 ||
      absl::GetFlag(FLAGS_max_unfinished_jobs) < 1)
    return BadSpec("flags",
                   "--max_batch_bytes must be at least 65536, --split_bytes 1 "
                   "to 8388608, the other sizes and counts at least 1");
  if (limits.work_limit <= absl::ZeroDuration() ||
      limits.work_limit >= limits.call_timeout)
    return BadSpec("--work_limit", "must be above 0 and below --call_timeout");
  return limits;
}

// The permissions that --output_mode says.
absl::StatusOr<mode_t> ReadOutputMode() {
  const std::string text = absl::GetFlag(FLAGS_output_mode);
  char* end = nullptr;
  const unsigned long mode = std::strtoul(text.c_str(), &end, 8);
  if (text.empty() || *end != '\0' || (mode & 0600) != 0600 ||
      (mode & ~0666ul) != 0)
    return BadSpec("--output_mode",
                   "must be octal, 0600 to 0666, such as 0640");
  return static_cast<mode_t>(mode);
}

absl::StatusOr<Predictor::Options> ReadOnlineOptions(const JobLimits& limits) {
  Predictor::Options options;
  options.batcher.batch_rows = absl::GetFlag(FLAGS_online_batch_rows);
  options.batcher.wait = absl::GetFlag(FLAGS_online_batch_wait);
  options.batcher.queue_rows = absl::GetFlag(FLAGS_online_queue_rows);
  options.max_batch_bytes = limits.max_batch_bytes;
  if (options.batcher.batch_rows < 1 || options.batcher.queue_rows < 1 ||
      options.batcher.wait < absl::ZeroDuration() ||
      options.batcher.wait > absl::Seconds(1))
    return BadSpec("flags",
                   "--online_batch_rows and --online_queue_rows must be at "
                   "least 1, --online_batch_wait 0 to 1s");
  return options;
}

}  // namespace

struct Coordinator::Parts {
  CoordinatorService service;
  std::unique_ptr<Database> database;
  std::unique_ptr<JobStore> jobs;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<PipelineRegistry> pipelines;
  std::unique_ptr<StateMeter> meter;
  std::unique_ptr<UploadStore> uploads;
  std::unique_ptr<ArtifactStore> artifacts;
  std::unique_ptr<StageNetwork> network;
  std::unique_ptr<DispatcherCalls> calls;
  JobEnvironment environment;
  std::unique_ptr<JobScheduler> scheduler;
  std::unique_ptr<Predictor> predictor;
  std::unique_ptr<HttpListener> http;
  std::unique_ptr<Housekeeper> housekeeper;
};

Coordinator::Coordinator() : parts_(new Parts) {}

Coordinator::~Coordinator() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

std::vector<LaneOptions> Coordinator::Lanes() {
  return CoordinatorService::Lanes();
}

std::string Coordinator::LaneOf(const std::string& method) {
  return CoordinatorService::LaneOf(method);
}

void Coordinator::ServeAt(RpcAdapter& adapter) {
  parts_->service.ServeAt(adapter);
}

absl::Status Coordinator::OnStart() {
  Parts& parts = *parts_;
  OwnStats();  // Its clock starts with the first call.
  const std::string state_dir = absl::GetFlag(FLAGS_state_dir);
  ASSIGN_OR_RETURN(parts.environment.limits, ReadLimits());
  ASSIGN_OR_RETURN(const std::vector<std::string> stages,
                   StageTargets(GivenStages()));
  ASSIGN_OR_RETURN(parts.environment.output_mode, ReadOutputMode());
  RETURN_IF_ERROR(
      MakeDirectory(state_dir, DirectoryMode(parts.environment.output_mode)));
  ASSIGN_OR_RETURN(parts.database,
                   Database::Open(state_dir, absl::GetFlag(FLAGS_accept_state)
                                                 ? Database::Trust::kAnything
                                                 : Database::Trust::kMarked));
  ASSIGN_OR_RETURN(parts.jobs, JobStore::Open(parts.database.get()));
  parts.journal =
      std::make_unique<Journal>(parts.database.get(), parts.jobs->epoch());
  parts.pipelines = std::make_unique<PipelineRegistry>(parts.database.get());
  parts.meter = std::make_unique<StateMeter>(
      state_dir, StateMeter::Limits{absl::GetFlag(FLAGS_max_state_bytes),
                                    absl::GetFlag(FLAGS_reserve_bytes)});
  ASSIGN_OR_RETURN(parts.uploads,
                   UploadStore::Open(parts.database.get(),
                                     absl::GetFlag(FLAGS_max_upload_bytes),
                                     parts.meter.get()));
  ASSIGN_OR_RETURN(ArtifactStore artifact_store,
                   ArtifactStore::Open(state_dir + "/artifacts"));
  parts.artifacts = std::make_unique<ArtifactStore>(std::move(artifact_store));
  RETURN_IF_ERROR(RescueOrphans(*parts.database));
  ASSIGN_OR_RETURN(parts.network,
                   StageNetwork::Open(stages, parts.artifacts.get()));
  parts.calls = std::make_unique<DispatcherCalls>(parts.network->dispatcher());

  parts.environment.calls = parts.calls.get();
  parts.environment.database = parts.database.get();
  parts.environment.artifacts = parts.artifacts.get();
  parts.environment.jobs = parts.jobs.get();
  parts.environment.journal = parts.journal.get();
  parts.environment.pipelines = parts.pipelines.get();
  parts.environment.uploads = parts.uploads.get();
  parts.environment.meter = parts.meter.get();
  parts.environment.clock = Clock::Real();
  parts.environment.output_root = state_dir + "/output";
  parts.scheduler = std::make_unique<JobScheduler>(
      &parts.environment, absl::GetFlag(FLAGS_max_running_jobs),
      absl::GetFlag(FLAGS_max_unfinished_jobs));
  RETURN_IF_ERROR(parts.scheduler->Recover());
  ASSIGN_OR_RETURN(const Predictor::Options online,
                   ReadOnlineOptions(parts.environment.limits));
  parts.predictor = std::make_unique<Predictor>(
      online,
      OnlineEnvironment{parts.calls.get(), Clock::Real(), parts.jobs->epoch(),
                        parts.environment.limits.call_timeout,
                        parts.environment.limits.work_limit},
      parts.pipelines.get());
  Retention retention;
  retention.jobs = absl::GetFlag(FLAGS_keep_jobs);
  retention.max_jobs = absl::GetFlag(FLAGS_max_kept_jobs);
  retention.unused_uploads = absl::GetFlag(FLAGS_keep_uploads);
  parts.housekeeper = std::make_unique<Housekeeper>(
      &parts.environment, parts.scheduler.get(), retention);
  parts.service.Open({&parts.environment, parts.scheduler.get(),
                      parts.network->dispatcher(), parts.predictor.get(),
                      OwnStats,
                      [this](pb::StopMode mode) { StopCompany(mode); }});
  return ServeHttp();
}

absl::Status Coordinator::ServeHttp() {
  if (absl::GetFlag(FLAGS_http_port) < 0) return absl::OkStatus();
  parts_->http = std::make_unique<HttpListener>(HttpListener::Options());
  parts_->http->Handle(
      "POST", "/predict/:",
      [predictor = parts_->predictor.get()](const HttpRequest& request) {
        return AnswerPredict(*predictor, request);
      });
  ASSIGN_OR_RETURN(const int port,
                   parts_->http->Start(absl::GetFlag(FLAGS_listen),
                                       absl::GetFlag(FLAGS_http_port)));
  Log(LogLevel::kInfo, "serves HTTP", {{"port", port}});
  const std::string file = absl::GetFlag(FLAGS_http_port_file);
  return file.empty() ? absl::OkStatus() : WritePortFile(file, port);
}

absl::StatusOr<Reply> Coordinator::OnReceive(Message& message,
                                             const Context& context) {
  return parts_->service.Receive(message, context);
}

void Coordinator::OnHosted(std::function<void(StopMode)> stop) {
  stop_process_ = std::move(stop);
}

void Coordinator::OnDrain() { EndWork(); }

void Coordinator::OnStop() {}  // The rest lives until the last call has left.

void Coordinator::Run(std::function<void()> task) {
  MutexLock lock(&mutex_);
  if (closed_) return;
  ++tasks_;
  threads_.emplace_back([this, task = std::move(task)] {
    task();
    MutexLock lock(&mutex_);
    --tasks_;
    task_ended_.NotifyAll();
  });
}

bool Coordinator::Drained(absl::Duration step) {
  MutexLock lock(&mutex_);
  const bool answered =
      parts_->predictor == nullptr || parts_->predictor->idle();
  if (tasks_ > 0 || !answered) task_ended_.WaitFor(&mutex_, step);
  closed_ |= tasks_ == 0 && answered;
  return closed_;
}

// Whoever stops first ends the work, on a thread that a slow disk may hold up.
void Coordinator::EndWork() {
  parts_->service.Drain();
  {
    MutexLock lock(&mutex_);
    if (std::exchange(ending_work_, true)) return;
  }
  Run([this] {
    parts_->http.reset();  // Its requests are answered first.
    parts_->housekeeper.reset();
    if (parts_->scheduler != nullptr) parts_->scheduler->Suspend();
    work_ended_.CountDown();
  });
}

void Coordinator::StopCompany(pb::StopMode mode) {
  {
    MutexLock lock(&mutex_);
    if (told_.has_value() && (mode != pb::NOW || told_ == pb::NOW)) return;
    told_ = mode;
  }
  const bool now = mode == pb::NOW;
  Log(LogLevel::kInfo, "stopping the company", {{"now", now}});
  EndWork();
  Run([this, now, mode] {
    // The stages then have nothing left to do for this company.
    work_ended_.Wait(now ? kSuspendNow : kSuspend);
    StopStages(*parts_->network->dispatcher(), mode, now ? kTellNow : kTell);
    stop_process_(now ? StopMode::kNow : StopMode::kDrain);
  });
}

}  // namespace troupe
