// The Housekeeper removes what is kept no longer: old jobs with their output,
// uploads that no job used, what broken uploads hold, and, beyond
// --max_state_bytes, the oldest output.
//
// Thread safety: made and destroyed by one thread; it works on its own.
#pragma once

#include <cstdint>
#include <thread>

#include "absl/time/time.h"
#include "client/coordinator/job_scheduler.h"
#include "client/coordinator/passes/job_context.h"
#include "services/base/mutex.h"

namespace troupe {

struct Retention {
  // Of the time that the coordinator lives through (Database::Lived): a clock
  // that jumps removes nothing.
  absl::Duration jobs = absl::Hours(24 * 30);  // After they ended.
  int64_t max_jobs = 10'000;                   // The newest ended ones.
  absl::Duration unused_uploads = absl::Hours(24);
};

class Housekeeper {
 public:
  // Cleans now and every `interval`. Everything must outlive this object.
  Housekeeper(const JobEnvironment* environment, JobScheduler* scheduler,
              const Retention& retention,
              absl::Duration interval = absl::Seconds(20));
  ~Housekeeper();

  // Cleans once, on the calling thread.
  void Clean();

 private:
  void Work();
  absl::Status TryClean();
  absl::Status KeepBelowLimit();

  const JobEnvironment* const environment_;
  JobScheduler* const scheduler_;
  const Retention retention_;
  const absl::Duration interval_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t times_ = 0;   // That it cleaned.
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace troupe
