// The Dispatcher carries calls to stages: it chooses the replica, holds a call
// back until one has credit, brings missing artifacts, and repeats what failed.
// Retries live here and nowhere else.
//
// A call that failed                         comes again           and costs
// - MAILBOX_FULL                             elsewhere, or later   nothing
// - DRAINING, NOT_READY; or the connection   elsewhere             nothing
//   was never made, or ended in order; or
//   a server that ends cancelled it
// - ARTIFACT_MISSING                         after a Put           nothing
// - by the death of the process, while       elsewhere             nothing
//   another call was at work there
// - by the death of the process, as the      elsewhere, isolated   a death, a
//   one at work                                                    token, and
//                                                                  suspicion
// - WORK_LIMIT_EXCEEDED                      elsewhere, isolated   an attempt,
//                                                                  a token, and
//                                                                  suspicion
// - in transport (timed out, silence)        elsewhere, after      an attempt,
//                                            50 ms .. 5 s          a token
// - by silence, and 3 s later no replica     when one serves       nothing
//   of the stage serves: the network failed
// - HANDLER_FAILED, or a reply that is not   once, elsewhere       an attempt
//   to this attempt
// - otherwise                                never
// While no replica of its stage serves, a call waits and costs nothing: the
// stage is stalled. Of each stage's calls the jobs take turns; within a job the
// oldest goes first. When the stage's retry tokens (10 % of its calls and 10
// per minute) are used up, retries wait for new ones.
//
// Death is a connection that the other end closed or reset without a word
// (client/rpc/connection_loss.h), on a replica that had not announced its end.
// Who was at work is told by the order of sending (suspect_ledger.h). An
// isolated call runs in child processes there; when it is answered without
// crashes, its suspicion is taken back. A job with more than `max_suspects`
// fails: FAILED_PRECONDITION (TOO_MANY_CRASHES). Deaths count only on a quiet
// company (death_count.h): whoever kills replicas delays a call.
//
// A call on a batch that is late (hedger.h) is sent to another replica too,
// where one has credit to spare; the first answer counts, the other is
// cancelled, and the slower replica gets nothing until it answers a health
// check. Each sending is an attempt of its own.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/coordinator/stages/dispatch_options.h"
#include "client/coordinator/stages/fit_session.h"
#include "client/coordinator/stages/replica_set.h"
#include "client/coordinator/stages/stage_call.h"

namespace troupe {

class Dispatcher {
 public:
  using Environment = DispatchEnvironment;

  // The environment must outlive this object and the callbacks that still run
  // when it is destroyed (client/coordinator/stage_network.h does that).
  Dispatcher(DispatcherOptions options, Environment environment);
  // Answers everything that is open with CANCELLED, on this thread.
  ~Dispatcher();

  // Adds a stage. Before the first Dispatch. The order of these calls is the
  // pipeline's.
  void AddStage(std::unique_ptr<ReplicaSet> replicas);

  // The stages' names in the order they were added.
  std::vector<std::string> Stages() const;
  bool HasStage(absl::string_view stage) const;
  // Null where there is no such stage.
  ReplicaSet* Replicas(absl::string_view stage) const;

  // Sends `call` until it has a final answer; then `done` runs exactly once, on
  // an unspecified thread, never within Dispatch, without locks. It must not
  // block; it may Dispatch. A stage nobody added: NOT_FOUND (UNKNOWN_STAGE),
  // with the nearest name.
  void Dispatch(StageCall call, std::function<void(StageResult)> done);

  // Dispatches and waits. Not on a thread of the timers or of an RpcThread.
  StageResult DispatchAndWait(StageCall call);

  // Answers every call of the job that waits or is under way with CANCELLED
  // (JOB_CANCELLED), soon, and ends its fits. Calls dispatched later are not
  // affected. Never blocks.
  void CancelJob(absl::string_view job);

  // Opens a Fit on a replica. NOT_FOUND (UNKNOWN_STAGE); UNAVAILABLE
  // (NO_REPLICA) when none serves now: ask again later. A Fit is not repeated
  // here, since only the caller has the tables: when Start, Write or Finish
  // fails, and RetryOfFit says that it may, start over, with `replica()`
  // avoided.
  absl::StatusOr<std::unique_ptr<FitSession>> StartFit(const FitCall& call);

  bool HasServingReplica(absl::string_view stage) const;
  // Stages that have calls waiting (of `job` where not empty) and no replica
  // that serves.
  std::vector<std::string> StalledStages(absl::string_view job = "") const;

  // Calls that wait for a replica of the stage to have room.
  int64_t WaitingAt(absl::string_view stage) const;
  JobLoad LoadOf(absl::string_view job) const;
  // Drops the job's counters. Call when the job has ended.
  void ForgetJob(absl::string_view job);

 private:
  // Shared with the callbacks and tasks that outlive the dispatcher.
  const std::shared_ptr<class DispatchCore> core_;
};

}  // namespace troupe
