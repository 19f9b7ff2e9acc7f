#include "client/coordinator/coordinator.h"

#include <signal.h>
#include <unistd.h>

#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "client/coordinator/process_stats.h"
#include "client/coordinator/stage_flag.h"
#include "client/coordinator/topology.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

ABSL_FLAG(std::string, state_dir, "troupe-state",
          "directory for jobs, pipelines, uploads and output");
ABSL_FLAG(int, max_running_jobs, 8, "jobs that run at once; others wait");
ABSL_FLAG(int64_t, max_batch_bytes, int64_t{32} << 20,
          "a table in one message to a stage, bytes, at most");
ABSL_FLAG(int64_t, split_bytes, int64_t{4} << 20,
          "text of one batch, bytes, about");
ABSL_FLAG(int64_t, job_window_bytes, int64_t{256} << 20,
          "one job's batches under way, bytes");
ABSL_FLAG(int, job_window_batches, 16, "one job's batches under way");
ABSL_FLAG(int64_t, max_part_bytes, int64_t{256} << 20,
          "size from which an output goes on in another part");
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
          "ended jobs and their output are removed after so long");
ABSL_FLAG(int64_t, max_kept_jobs, 10'000,
          "so many ended jobs are kept, the newest");
ABSL_FLAG(absl::Duration, keep_uploads, absl::Hours(24),
          "uploads that no job used are removed after so long");

namespace troupe {
namespace {

absl::StatusOr<JobLimits> ReadLimits() {
  JobLimits limits;
  limits.max_batch_bytes = absl::GetFlag(FLAGS_max_batch_bytes);
  limits.split_bytes = absl::GetFlag(FLAGS_split_bytes);
  limits.window_bytes = absl::GetFlag(FLAGS_job_window_bytes);
  limits.window_batches = absl::GetFlag(FLAGS_job_window_batches);
  limits.max_part_bytes = absl::GetFlag(FLAGS_max_part_bytes);
  limits.call_timeout = absl::GetFlag(FLAGS_call_timeout);
  limits.work_limit = absl::GetFlag(FLAGS_work_limit);
  limits.fit_timeout = absl::GetFlag(FLAGS_fit_timeout);
  limits.max_stall = absl::GetFlag(FLAGS_max_stall);
  if (limits.max_batch_bytes < 1 << 16 || limits.split_bytes < 1 ||
      limits.split_bytes > int64_t{8} << 20 || limits.window_bytes < 1 ||
      limits.window_batches < 1 || limits.max_part_bytes < 1 ||
      absl::GetFlag(FLAGS_max_running_jobs) < 1)
    return BadSpec("flags",
                   "--max_batch_bytes must be at least 65536, --split_bytes 1 "
                   "to 8388608, the other sizes and counts at least 1");
  if (limits.work_limit <= absl::ZeroDuration() ||
      limits.work_limit >= limits.call_timeout)
    return BadSpec("--work_limit", "must be above 0 and below --call_timeout");
  return limits;
}

}  // namespace

Coordinator::~Coordinator() { Coordinator::OnStop(); }

absl::Status Coordinator::OnStart() {
  OwnStats();  // Its clock starts with the first call.
  const std::string state_dir = absl::GetFlag(FLAGS_state_dir);
  ASSIGN_OR_RETURN(environment_.limits, ReadLimits());
  ASSIGN_OR_RETURN(const std::vector<std::string> stages,
                   StageTargets(GivenStages()));
  ASSIGN_OR_RETURN(database_, Database::Open(state_dir));
  ASSIGN_OR_RETURN(jobs_, JobStore::Open(database_.get()));
  journal_ = std::make_unique<Journal>(database_.get(), jobs_->epoch());
  pipelines_ = std::make_unique<PipelineRegistry>(database_.get());
  ASSIGN_OR_RETURN(uploads_,
                   UploadStore::Open(database_.get(), state_dir + "/uploads",
                                     absl::GetFlag(FLAGS_max_upload_bytes)));
  ASSIGN_OR_RETURN(ArtifactStore artifacts,
                   ArtifactStore::Open(state_dir + "/artifacts"));
  artifacts_ = std::make_unique<ArtifactStore>(std::move(artifacts));
  ASSIGN_OR_RETURN(network_, StageNetwork::Open(stages, artifacts_.get()));
  calls_ = std::make_unique<DispatcherCalls>(network_->dispatcher());

  environment_.calls = calls_.get();
  environment_.artifacts = artifacts_.get();
  environment_.jobs = jobs_.get();
  environment_.journal = journal_.get();
  environment_.pipelines = pipelines_.get();
  environment_.uploads = uploads_.get();
  environment_.clock = Clock::Real();
  environment_.output_root = state_dir + "/output";
  scheduler_ = std::make_unique<JobScheduler>(
      &environment_, absl::GetFlag(FLAGS_max_running_jobs));
  RETURN_IF_ERROR(scheduler_->Recover());
  Retention retention;
  retention.jobs = absl::GetFlag(FLAGS_keep_jobs);
  retention.max_jobs = absl::GetFlag(FLAGS_max_kept_jobs);
  retention.unused_uploads = absl::GetFlag(FLAGS_keep_uploads);
  housekeeper_ =
      std::make_unique<Housekeeper>(&environment_, scheduler_.get(), retention);
  service_.Open({&environment_, scheduler_.get(), network_->dispatcher(),
                 OwnStats, [this](pb::StopMode mode) { StopCompany(mode); }});
  return absl::OkStatus();
}

absl::StatusOr<Reply> Coordinator::OnReceive(Message& message, const Context&) {
  return UnknownMethod(message.method);
}

void Coordinator::OnDrain() {
  service_.Drain();
  housekeeper_.reset();
  if (scheduler_ != nullptr) scheduler_->Suspend();
}

void Coordinator::OnStop() {
  std::thread stopper;
  {
    MutexLock lock(&mutex_);
    stopping_company_ = true;
    stopper = std::move(stopper_);
  }
  if (stopper.joinable()) stopper.join();
  housekeeper_.reset();
  // The rest lives until the last call has left the service.
}

void Coordinator::StopCompany(pb::StopMode mode) {
  MutexLock lock(&mutex_);
  if (stopping_company_) return;
  stopping_company_ = true;
  stopper_ = std::thread([this, mode] {
    Log(LogLevel::kInfo, "stopping the company");
    service_.Drain();
    scheduler_->Suspend();
    StopStages(*network_->dispatcher(), mode);
    kill(getpid(), SIGTERM);  // As anybody else would stop this process.
  });
}

}  // namespace troupe
