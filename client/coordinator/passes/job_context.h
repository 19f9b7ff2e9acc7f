// A JobContext is what all phases of one job share: how to call stages, whether
// to go on, and how to tell watchers how far it is.
//
// Thread safety: everything belongs to the job's thread. What other threads
// have to say arrives through the job's EventQueue.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/coordinator/passes/live_job.h"
#include "client/coordinator/passes/progress_meter.h"
#include "client/coordinator/stages/call_header.h"
#include "client/coordinator/stages/stage_calls.h"
#include "client/coordinator/state/artifact_store.h"
#include "client/coordinator/state/job_store.h"
#include "client/coordinator/state/journal.h"
#include "client/coordinator/state/pipeline_registry.h"
#include "client/coordinator/state/state_meter.h"
#include "client/coordinator/state/upload_store.h"
#include "proto/pb.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {

struct JobLimits {
  int64_t max_batch_bytes = int64_t{32} << 20;  // One message, at most.
  int64_t window_bytes = int64_t{256} << 20;    // Batches under way, at most.
  int window_batches = 16;
  int64_t max_part_bytes = int64_t{1} << 40;
  int64_t split_bytes = int64_t{4} << 20;
  int64_t max_artifact_bytes = int64_t{4} << 30;  // Also of a pass's state.
  absl::Duration call_timeout = absl::Minutes(5);
  // Of the work on one batch, without its waiting; below call_timeout.
  absl::Duration work_limit = absl::Minutes(2);
  absl::Duration fit_timeout = absl::Hours(24);
  absl::Duration max_stall = absl::Minutes(30);
  // A job that is taken for short and has more input than that, or stalls for
  // longer, becomes a long one.
  int64_t short_bytes = int64_t{64} << 20;
  absl::Duration short_stall = absl::Seconds(2);
};

// What every job works with. All of it outlives the jobs.
struct JobEnvironment {
  StageCalls* calls = nullptr;
  Database* database = nullptr;
  const ArtifactStore* artifacts = nullptr;
  JobStore* jobs = nullptr;
  Journal* journal = nullptr;
  PipelineRegistry* pipelines = nullptr;
  UploadStore* uploads = nullptr;
  StateMeter* meter = nullptr;
  const Clock* clock = nullptr;
  std::string output_root;
  mode_t output_mode = 0600;  // Of files in it; see DirectoryMode.
  JobLimits limits;
};

class JobContext {
 public:
  JobContext(const JobEnvironment* environment, std::shared_ptr<LiveJob> live);
  // Of a job that somebody only asks about: nothing of it is recorded, it waits
  // for no stage that has no replica, and it goes on until `caller_left`.
  JobContext(const JobEnvironment* environment, std::shared_ptr<LiveJob> live,
             std::function<bool()> caller_left);
  ~JobContext();

  const std::string& id() const { return id_; }
  const JobEnvironment& environment() const { return *environment_; }
  const JobLimits& limits() const { return environment_->limits; }
  LiveJob& live() { return *live_; }

  // Names a batch of this job.
  pb::BatchId Batch(int64_t number) const;

  // Waits for something to happen, and lets it. Returns why the job must not go
  // on: JOB_CANCELLED, JOB_SUSPENDED, or STALLED for too long; of one that is
  // only asked about also CANCELLED or NO_REPLICA; of a short one that turns
  // out to be long, NOT_SHORT. It is seen within 100 ms.
  absl::Status Pump();
  // The same without waiting.
  absl::Status Check();

  // Waits for the stages' replicas, no longer than they need to be found after
  // a start. NO_REPLICA names all that have none.
  absl::Status RequireServing(const std::vector<std::string>& stages);

  // Sends a message; `done` runs on the job's thread, within Pump, if the job
  // is still there then.
  template <class Request>
  void Start(const std::string& stage, const char* method, Request header,
             TableBytes table, std::vector<std::string> artifacts,
             const std::string& affinity,
             std::function<void(StageResult)> done) {
    StageCall call;
    call.stage = stage;
    call.method = method;
    call.header = HeaderOf(std::move(header));
    call.table = std::move(table);
    call.artifacts = std::move(artifacts);
    call.affinity = affinity;
    Send(std::move(call), std::move(done));
  }

  // Sends a message and waits for its reply, while other events run. A request
  // that is asked again with changes may be given as a shared_ptr.
  template <class Response, class Request>
  absl::StatusOr<Response> Call(const std::string& stage, const char* method,
                                Request header,
                                std::vector<std::string> artifacts = {},
                                const std::string& affinity = "") {
    auto result = std::make_shared<StageResult>();
    auto answered = std::make_shared<bool>(false);
    Start(stage, method, std::move(header), TableBytes(), std::move(artifacts),
          affinity, [result, answered](StageResult answer) {
            *result = std::move(answer);
            *answered = true;
          });
    while (!*answered) RETURN_IF_ERROR(Pump());
    RETURN_IF_ERROR(result->status);
    return ParseHeader<Response>(*result);
  }

  // Stores an artifact or a pass's state, and keeps it while the job runs.
  absl::StatusOr<std::string> Keep(const std::string& content);

  // --- Telling the watchers --------------------------------------------------
  // `bytes`: of its input, where that is known; 0 otherwise.
  void BeginPhase(const std::string& phase, int64_t bytes = 0);
  ProgressMeter& meter() { return meter_; }
  // Moves the job to `state`, and records it where it is a recorded one.
  absl::Status Enter(pb::JobState state, const std::string& message = "");
  // Notes something in the job's journal.
  absl::Status AddEvent(absl::string_view kind, absl::string_view message);
  // Says that a stage lacks a replica, or (empty) that it does not any more.
  void SetStalled(const std::vector<std::string>& stages);
  // Retries that the job's own logic made (a Fit that ran again).
  void CountRetry() { ++own_retries_; }

 private:
  void Send(StageCall call, std::function<void(StageResult)> done);
  void Look();
  void Publish();

  const JobEnvironment* const environment_;
  const std::shared_ptr<LiveJob> live_;
  const std::string id_;
  const std::function<bool()> caller_left_;  // Null where it is recorded.
  // Set to false when the job's thread leaves: late replies then do nothing.
  const std::shared_ptr<bool> present_ = std::make_shared<bool>(true);
  ProgressMeter meter_;
  absl::Duration last_look_;
  absl::Duration last_publish_;
  std::vector<std::string> stalled_;
  absl::Duration stalled_since_;
  bool stalled_by_caller_ = false;
  pb::JobState working_state_ = pb::RUNNING;  // What a stall goes back to.
  int64_t own_retries_ = 0;
};

}  // namespace troupe
