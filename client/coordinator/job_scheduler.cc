#include "client/coordinator/job_scheduler.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/coordinator/jobs/job_run.h"
#include "client/coordinator/state/storage.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

// As NewId makes them.
bool LooksLikeId(absl::string_view name) {
  return name.size() == 12 &&
         std::all_of(name.begin(), name.end(), absl::ascii_isxdigit);
}

}  // namespace

JobScheduler::JobScheduler(const JobEnvironment* environment, int max_running)
    : environment_(environment) {
  for (int i = 0; i < max_running; ++i)
    workers_.emplace_back([this] { Work(); });
}

JobScheduler::~JobScheduler() { Suspend(); }

JobScheduler::Turn::Turn(JobScheduler* scheduler, const std::string& id)
    : scheduler_(*scheduler), id_(id) {
  MutexLock lock(&scheduler_.mutex_);
  while (scheduler_.turns_.contains(id_))
    scheduler_.turn_over_.Wait(&scheduler_.mutex_);
  scheduler_.turns_.insert(id_);
}

JobScheduler::Turn::~Turn() {
  MutexLock lock(&scheduler_.mutex_);
  scheduler_.turns_.erase(id_);
  scheduler_.turn_over_.NotifyAll();
}

absl::Status JobScheduler::Recover() {
  RETURN_IF_ERROR(MakeDirectory(environment_->output_root));
  RemoveOrphans();
  ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                   environment_->jobs->Unfinished());
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(pb::Job job, environment_->jobs->Get(id));
    const bool cancelled = job.state() == pb::CANCELLING;
    job.set_state(cancelled ? pb::CANCELLED : pb::QUEUED);
    job.clear_state_message();
    if (cancelled)
      *job.mutable_end_time() = TimestampOf(environment_->clock->Now());
    RETURN_IF_ERROR(environment_->jobs->Update(job));
    if (!cancelled) RETURN_IF_ERROR(Enqueue(job));
  }
  CollectArtifacts();
  return absl::OkStatus();
}

// Removes unfinished output of jobs that are not known any more.
void JobScheduler::RemoveOrphans() {
  std::error_code error;
  std::vector<std::filesystem::path> orphans;
  for (const auto& entry :
       std::filesystem::directory_iterator(environment_->output_root, error)) {
    const std::string name = entry.path().filename().string();
    const std::string id(absl::StripSuffix(name, ".tmp"));
    if (!LooksLikeId(id)) continue;  // Not ours: lost+found, for one.
    const auto known = environment_->jobs->Get(id);
    if (ReasonOf(known.status()) == "JOB_NOT_FOUND")
      orphans.push_back(entry.path());
  }
  for (const auto& path : orphans) std::filesystem::remove_all(path, error);
}

absl::Status JobScheduler::Enqueue(const pb::Job& job) {
  MutexLock lock(&mutex_);
  if (suspended_) return Draining("coordinator");
  std::shared_ptr<LiveJob>& live = live_[job.id()];
  // One whose end could not be recorded is still there.
  if (live != nullptr && !HasStopped(live->Get().job.state()))
    return absl::OkStatus();
  live = std::make_shared<LiveJob>(job);
  queue_.push_back(job.id());
  changed_.NotifyOne();
  return absl::OkStatus();
}

absl::StatusOr<pb::Job> JobScheduler::Submit(const pb::Job& job) {
  {
    MutexLock lock(&mutex_);
    if (suspended_) return Draining("coordinator");
  }
  const Turn turn(this, job.id());  // Until it is recorded and queued.
  pb::Job recorded = job;
  *recorded.mutable_create_time() = TimestampOf(environment_->clock->Now());
  ASSIGN_OR_RETURN(JobStore::Added added, environment_->jobs->Add(recorded));
  if (!added.created) return Get(added.job.id());
  // A stop that came between leaves the job recorded, for the next start.
  Enqueue(added.job).IgnoreError();
  return added.job;
}

std::shared_ptr<LiveJob> JobScheduler::FindLive(const std::string& id) {
  MutexLock lock(&mutex_);
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : found->second;
}

absl::StatusOr<pb::Job> JobScheduler::Get(const std::string& id) {
  if (const auto live = FindLive(id)) return live->Get().job;
  return environment_->jobs->Get(id);
}

absl::StatusOr<pb::Job> JobScheduler::Cancel(const std::string& id) {
  const Turn turn(this, id);
  const auto live = FindLive(id);
  if (live == nullptr || live->Get().job.state() == pb::DISK_FULL)
    return CancelStopped(id);
  live->Change([](pb::Job& job) {
    if (HasStopped(job.state())) return;
    job.set_state(pb::CANCELLING);
    job.clear_state_message();
  });
  RETURN_IF_ERROR(live->Record(
      [this](const pb::Job& job) { return environment_->jobs->Update(job); }));
  live->RequestStop(LiveJob::Stop::kCancel);
  environment_->calls->CancelJob(id);
  return Get(id);
}

// A job that waits for disk space has no thread that could be told.
absl::StatusOr<pb::Job> JobScheduler::CancelStopped(const std::string& id) {
  ASSIGN_OR_RETURN(pb::Job job, Get(id));
  if (IsTerminal(job.state())) return job;
  job.set_state(pb::CANCELLED);
  job.clear_state_message();
  job.clear_error();
  *job.mutable_end_time() = TimestampOf(environment_->clock->Now());
  RETURN_IF_ERROR(environment_->jobs->Update(job));
  MutexLock lock(&mutex_);
  live_.erase(id);
  return job;
}

absl::StatusOr<pb::Job> JobScheduler::Resume(const std::string& id) {
  const Turn turn(this, id);
  ASSIGN_OR_RETURN(pb::Job job, Get(id));
  if (job.state() == pb::SUCCEEDED || job.state() == pb::PARTIALLY_SUCCEEDED)
    return MakeError(absl::StatusCode::kFailedPrecondition, "JOB_SUCCEEDED",
                     absl::StrCat("job \"", id, "\" has succeeded already"));
  if (!HasStopped(job.state())) return job;
  job.set_state(pb::QUEUED);
  job.clear_state_message();
  job.clear_error();
  job.clear_end_time();
  job.clear_progress();
  RETURN_IF_ERROR(environment_->jobs->Update(job));
  RETURN_IF_ERROR(Enqueue(job));
  return job;
}

absl::Status JobScheduler::Delete(const std::string& id) {
  const Turn turn(this, id);
  if (const auto live = FindLive(id);
      live != nullptr && !HasStopped(live->Get().job.state()))
    return JobRunning(id);
  const auto job = environment_->jobs->Get(id);
  if (ReasonOf(job.status()) == "JOB_NOT_FOUND") return absl::OkStatus();
  RETURN_IF_ERROR(job.status());
  if (!HasStopped(job->state())) return JobRunning(id);
  const std::string output = OutputDirectory(*environment_, id);
  std::error_code error;
  std::filesystem::remove_all(output, error);
  std::filesystem::remove_all(output + ".tmp", error);
  RETURN_IF_ERROR(environment_->uploads->RemoveOf(id));
  RETURN_IF_ERROR(environment_->jobs->Delete(id));
  MutexLock lock(&mutex_);
  live_.erase(id);
  return absl::OkStatus();
}

std::shared_ptr<LiveJob> JobScheduler::Take() {
  while (!suspended_ && queue_.empty()) changed_.Wait(&mutex_);
  if (suspended_) return nullptr;
  std::shared_ptr<LiveJob> live = live_.at(queue_.front());
  queue_.pop_front();
  ++running_;
  return live;
}

void JobScheduler::Work() {
  while (true) {
    std::shared_ptr<LiveJob> live;
    {
      MutexLock lock(&mutex_);
      live = Take();
    }
    if (live == nullptr) return;
    RunNext(live);
  }
}

void JobScheduler::RunNext(const std::shared_ptr<LiveJob>& live) {
  const std::string id = live->Get().job.id();
  JobRun run(environment_, live);
  run.Work();
  {
    const Turn turn(this, id);
    const absl::Status recorded = run.End();
    MutexLock lock(&mutex_);
    --running_;
    // Where the disk is full, only this object knows how the job ended.
    if (recorded.ok()) live_.erase(id);
  }
  CollectArtifacts();
}

void JobScheduler::CollectArtifacts() {
  MutexLock lock(&mutex_);  // No job begins meanwhile.
  if (running_ > 0) return;
  const auto kept = environment_->pipelines->ReferencedArtifacts();
  const auto resumable = environment_->journal->ReferencedArtifacts();
  const auto stored = environment_->artifacts->List();
  if (!kept.ok() || !resumable.ok() || !stored.ok()) return;
  for (const std::string& sha256 : *stored)
    if (kept->count(sha256) == 0 && resumable->count(sha256) == 0)
      environment_->artifacts->Remove(sha256).IgnoreError();
}

void JobScheduler::Suspend() {
  std::vector<std::shared_ptr<LiveJob>> jobs;
  {
    MutexLock lock(&mutex_);
    suspended_ = true;
    for (const auto& [id, live] : live_) jobs.push_back(live);
    changed_.NotifyAll();
  }
  for (const auto& live : jobs) {
    live->RequestStop(LiveJob::Stop::kSuspend);
    environment_->calls->CancelJob(live->Get().job.id());
  }
  for (std::thread& worker : workers_)
    if (worker.joinable()) worker.join();
}

}  // namespace troupe
