#include "client/coordinator/job_scheduler.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "client/coordinator/jobs/job_run.h"
#include "client/coordinator/state/garbage.h"
#include "client/coordinator/state/storage.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr int kShortAtOnce = 4;
// Each keeps a thread of the service's, which has more.
constexpr int kValidatedAtOnce = 16;

// What somebody waits for, unless there is much to read.
bool IsTakenForShort(const pb::Job& job) {
  return job.kind() == pb::EVALUATE ||
         (job.kind() == pb::INSPECT && !job.request().write_output());
}

}  // namespace

JobScheduler::JobScheduler(const JobEnvironment* environment, int max_running,
                           int64_t max_unfinished)
    : environment_(environment),
      max_running_(max_running),
      max_unfinished_(max_unfinished) {
  for (int i = 0; i < max_running; ++i)
    workers_.emplace_back([this] { Work(&queue_); });
  for (int i = 0; i < kShortAtOnce; ++i)
    workers_.emplace_back([this] { Work(&short_queue_); });
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
  RETURN_IF_ERROR(MakeDirectory(environment_->output_root,
                                DirectoryMode(environment_->output_mode)));
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

absl::Status JobScheduler::Enqueue(const pb::Job& job) {
  MutexLock lock(&mutex_);
  if (suspended_) return Draining("coordinator");
  std::shared_ptr<LiveJob>& live = live_[job.id()];
  // One whose end could not be recorded is still there.
  if (live != nullptr && !HasStopped(live->Get().job.state()))
    return absl::OkStatus();
  live = std::make_shared<LiveJob>(job);
  live->SetShort(IsTakenForShort(job));
  QueueOf(*live).push_back(job.id());
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status JobScheduler::Admit() {
  MutexLock lock(&mutex_);
  if (suspended_) return Draining("coordinator");
  if (static_cast<int64_t>(live_.size()) + admitted_ >= max_unfinished_)
    return TooManyJobs(max_unfinished_);
  ++admitted_;
  return absl::OkStatus();
}

void JobScheduler::EndAdmission() {
  MutexLock lock(&mutex_);
  --admitted_;
}

absl::StatusOr<pb::Job> JobScheduler::Submit(const pb::Job& job) {
  RETURN_IF_ERROR(Admit());
  const absl::Cleanup admitted = [this] { EndAdmission(); };
  const Turn turn(this, job.id());  // Until it is recorded and queued.
  pb::Job recorded = job;
  *recorded.mutable_create_time() = TimestampOf(environment_->clock->Now());
  ASSIGN_OR_RETURN(JobStore::Added added, environment_->jobs->Add(recorded));
  if (!added.created) return Get(added.job.id());
  // A stop that came between leaves the job recorded, for the next start.
  Enqueue(added.job).IgnoreError();
  return added.job;
}

absl::StatusOr<pb::Job> JobScheduler::Validate(
    const pb::Job& job, std::function<bool()> caller_left) {
  const auto live = std::make_shared<LiveJob>(job);
  live->SetShort(true);
  {
    MutexLock lock(&mutex_);
    if (suspended_) return Draining("coordinator");
    if (static_cast<int>(validated_.size()) >= kValidatedAtOnce)
      return TooManyValidations(kValidatedAtOnce);
    validated_.insert(live);
  }
  absl::StatusOr<pb::Job> checked =
      ValidateJob(*environment_, live, std::move(caller_left));
  MutexLock lock(&mutex_);
  validated_.erase(live);
  changed_.NotifyAll();
  if (!checked.ok() && live->stop() == LiveJob::Stop::kSuspend)
    return Draining("coordinator");
  return checked;
}

std::shared_ptr<LiveJob> JobScheduler::FindLive(const std::string& id) {
  MutexLock lock(&mutex_);
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : found->second;
}

pb::JobQueue JobScheduler::Describe() {
  pb::JobQueue jobs;
  jobs.set_max_running(max_running_);
  jobs.set_max_unfinished(max_unfinished_);
  MutexLock lock(&mutex_);
  jobs.set_running(running_);
  jobs.set_queued(static_cast<int64_t>(queue_.size()));
  jobs.set_queued_short(static_cast<int64_t>(short_queue_.size()));
  for (const auto& [id, live] : live_) {
    const pb::JobState state = live->head().state;
    if (state == pb::STALLED) jobs.set_stalled(jobs.stalled() + 1);
    if (state == pb::DISK_FULL)
      jobs.set_waiting_for_space(jobs.waiting_for_space() + 1);
  }
  return jobs;
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
  if (Unqueue(id)) {
    auto cancelled = CancelStopped(id);
    if (cancelled.ok()) return cancelled;
    MutexLock lock(&mutex_);  // Not recorded: it runs when its turn comes.
    QueueOf(*live).push_back(id);
    changed_.NotifyAll();
    return cancelled;
  }
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

// Takes a job that no thread has begun out of its queue.
bool JobScheduler::Unqueue(const std::string& id) {
  MutexLock lock(&mutex_);
  return std::erase(queue_, id) + std::erase(short_queue_, id) > 0;
}

// A job that waits, for its turn or for disk space, has no thread that could be
// told.
absl::StatusOr<pb::Job> JobScheduler::CancelStopped(const std::string& id) {
  ASSIGN_OR_RETURN(pb::Job job, Get(id));
  if (IsTerminal(job.state())) return job;
  job.set_state(pb::CANCELLED);
  job.clear_state_message();
  job.clear_error();
  *job.mutable_end_time() = TimestampOf(environment_->clock->Now());
  RETURN_IF_ERROR(environment_->jobs->Update(job));
  // Its watchers look at the live one.
  if (const auto live = FindLive(id))
    live->Change([&job](pb::Job& seen) { seen = job; });
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
  RETURN_IF_ERROR(Admit());
  const absl::Cleanup admitted = [this] { EndAdmission(); };
  job.set_state(pb::QUEUED);
  job.clear_state_message();
  job.clear_error();
  job.clear_end_time();
  job.clear_progress();
  RETURN_IF_ERROR(environment_->jobs->Reopen(job));
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
  absl::Status deleted = environment_->jobs->Delete(id);
  if (ReasonOf(deleted) == "DISK_FULL") {
    // What the user wants gone makes room for the note that it goes.
    std::error_code error;
    std::filesystem::remove_all(OutputDirectory(*environment_, id), error);
    deleted = environment_->jobs->Delete(id);
  }
  RETURN_IF_ERROR(deleted);
  {
    MutexLock lock(&mutex_);
    live_.erase(id);
  }
  return CollectGarbage(*environment_->database).status();
}

std::shared_ptr<LiveJob> JobScheduler::Take(Queue& queue) {
  while (!suspended_ && queue.empty()) changed_.Wait(&mutex_);
  if (suspended_) return nullptr;
  std::shared_ptr<LiveJob> live = live_.at(queue.front());
  queue.pop_front();
  ++running_;
  return live;
}

void JobScheduler::Work(Queue* queue) {
  while (true) {
    std::shared_ptr<LiveJob> live;
    {
      MutexLock lock(&mutex_);
      live = Take(*queue);
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
    const bool goes_on = run.TurnedOutLong();
    const absl::Status recorded = run.End();
    MutexLock lock(&mutex_);
    --running_;
    if (goes_on && !suspended_) {
      live->SetShort(false);
      QueueOf(*live).push_back(id);
      changed_.NotifyAll();
    } else if (recorded.ok()) {
      // Where the disk is full, only this object knows how the job ended.
      live_.erase(id);
    }
  }
  CollectArtifacts();
}

void JobScheduler::CollectArtifacts() {
  const absl::Status collected = troupe::CollectArtifacts(
      *environment_->database, *environment_->artifacts);
  if (!collected.ok()) LogError("artifacts were not collected", collected);
}

void JobScheduler::Suspend() {
  std::vector<std::shared_ptr<LiveJob>> jobs;
  {
    MutexLock lock(&mutex_);
    suspended_ = true;
    for (const auto& [id, live] : live_) jobs.push_back(live);
    jobs.insert(jobs.end(), validated_.begin(), validated_.end());
    changed_.NotifyAll();
  }
  for (const auto& live : jobs) {
    live->RequestStop(LiveJob::Stop::kSuspend);
    environment_->calls->CancelJob(live->Get().job.id());
  }
  for (std::thread& worker : workers_)
    if (worker.joinable()) worker.join();
  MutexLock lock(&mutex_);
  while (!validated_.empty()) changed_.Wait(&mutex_);
}

}  // namespace troupe
