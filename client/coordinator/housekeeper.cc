#include "client/coordinator/housekeeper.h"

#include "client/coordinator/state/garbage.h"
#include "services/base/log.h"

namespace troupe {

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
  const absl::Time now = environment_->clock->Now();
  const auto expired =
      environment_->jobs->Expired(now - retention_.jobs, retention_.max_jobs);
  absl::Status status = expired.status();
  if (expired.ok())
    for (const std::string& id : *expired)
      status.Update(scheduler_->Delete(id));
  status.Update(
      environment_->uploads->ReleaseUnclaimed(now - retention_.unused_uploads));
  status.Update(CollectGarbage(*environment_->database).status());
  if (!status.ok()) LogError("cleaning up failed", status);
}

}  // namespace troupe
