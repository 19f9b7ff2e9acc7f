#include "client/coordinator/housekeeper.h"

#include "client/coordinator/jobs/job_run.h"
#include "client/coordinator/state/garbage.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr int64_t kRecordEvery = 30;
// With the interval between two cleanings less than a minute.
constexpr absl::Duration kIdleUpload = absl::Seconds(35);

}  // namespace

Housekeeper::Housekeeper(const JobEnvironment* environment,
                         JobScheduler* scheduler, const Retention& retention,
                         absl::Duration interval)
    : environment_(environment),
      scheduler_(scheduler),
      retention_(retention),
      interval_(interval),
      thread_([this] { Work(); }) {}

Housekeeper::~Housekeeper() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void Housekeeper::Work() {
  while (true) {
    Clean();
    MutexLock lock(&mutex_);
    if (!stopping_) changed_.WaitFor(&mutex_, interval_);
    if (stopping_) return;
  }
}

void Housekeeper::Clean() {
  const absl::Status status = TryClean();
  if (!status.ok()) LogError("cleaning up failed", status);
}

absl::Status Housekeeper::TryClean() {
  if (++times_ % kRecordEvery == 0)
    RETURN_IF_ERROR(environment_->database->RecordLived());
  while (true) {
    ASSIGN_OR_RETURN(
        const std::vector<std::string> expired,
        environment_->jobs->Expired(retention_.jobs, retention_.max_jobs));
    for (const std::string& id : expired) {
      {
        MutexLock lock(&mutex_);
        if (stopping_) return absl::OkStatus();
      }
      RETURN_IF_ERROR(scheduler_->Delete(id));
    }
    if (expired.empty()) break;
  }
  environment_->uploads->AbandonIdle(kIdleUpload);
  RETURN_IF_ERROR(
      environment_->uploads->ReleaseUnclaimed(retention_.unused_uploads));
  RETURN_IF_ERROR(CollectGarbage(*environment_->database).status());
  RETURN_IF_ERROR(KeepBelowLimit());
  return environment_->database->Shrink();
}

absl::Status Housekeeper::KeepBelowLimit() {
  const pb::StateUsage usage = environment_->meter->Measure();
  int64_t beyond = TotalOf(usage) - usage.limit();
  int64_t number = 0;
  while (usage.limit() > 0 && beyond > 0) {
    ASSIGN_OR_RETURN(const std::vector<std::string> ended,
                     environment_->jobs->EndedAfter(&number));
    if (ended.empty()) break;
    for (const std::string& id : ended) {
      const std::string output = OutputDirectory(*environment_, id);
      const int64_t bytes =
          StateMeter::BytesOf(output) + StateMeter::BytesOf(output + ".tmp");
      if (bytes == 0) continue;
      Log(LogLevel::kInfo, "a job is removed for --max_state_bytes",
          {{"job", id}, {"bytes", std::to_string(bytes)}});
      RETURN_IF_ERROR(scheduler_->Delete(id));
      beyond -= bytes;
      if (beyond <= 0) break;
    }
  }
  if (beyond != TotalOf(usage) - usage.limit()) environment_->meter->Measure();
  return absl::OkStatus();
}

}  // namespace troupe
