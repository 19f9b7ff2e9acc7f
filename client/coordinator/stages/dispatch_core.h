// The DispatchCore is the inside of a Dispatcher: its state, and what happens
// to a call from step to step. Every step takes the lock, decides, and acts
// after it has let go of it. How calls go out and come back is in
// dispatch_core.cc, what their answers lead to in dispatch_outcome.cc.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/coordinator/stages/artifact_courier.h"
#include "client/coordinator/stages/call_table.h"
#include "client/coordinator/stages/dispatch_options.h"
#include "client/coordinator/stages/fair_queue.h"
#include "client/coordinator/stages/hedger.h"
#include "client/coordinator/stages/pending_call.h"
#include "client/coordinator/stages/replica_set.h"
#include "client/coordinator/stages/retry_policy.h"
#include "client/coordinator/stages/suspect_ledger.h"
#include "services/base/mutex.h"

namespace troupe {

class DispatchCore : public std::enable_shared_from_this<DispatchCore> {
 public:
  struct Stage {
    Stage(std::unique_ptr<ReplicaSet> replicas,
          const DispatcherOptions& options);
    const std::unique_ptr<ReplicaSet> replicas;
    // Guarded by the core's mutex.
    struct OfLane {
      FairQueue queue;
      Hedger hedger;
    };
    OfLane online;
    OfLane batch;
    RetryBudget budget;
    SuspectLedger ledger;
    bool watched = false;  // A look for late calls is due.

    OfLane& of(const PendingCall& call) {
      return LaneOf(call.call.lane) == Lane::kOnline ? online : batch;
    }
    bool has_waiting() const {
      return !online.queue.empty() || !batch.queue.empty();
    }
  };

  DispatchCore(DispatcherOptions options, DispatchEnvironment environment);

  void AddStage(std::unique_ptr<ReplicaSet> replicas);
  Stage* Find(absl::string_view stage);
  absl::Status UnknownStage(absl::string_view stage) const;
  const std::vector<std::string>& order() const { return order_; }

  void Dispatch(StageCall call, std::function<void(StageResult)> done);
  void CancelJob(const std::string& job);
  // Answers everything; nothing is accepted afterwards.
  void Stop();

  // A fit registers itself for as long as it lives: as the `number`th sending.
  int64_t AddFit(const std::string& job, OpenFit* fit,
                 const std::string& replica);
  void RemoveFit(const std::string& job, OpenFit* fit);
  // A fit has come to its end, and gives its replica back. Returns whether it
  // was at work when the replica died.
  bool EndFit(Stage& stage, const std::shared_ptr<Replica>& replica,
              int64_t number, const CallEnd& end, const absl::Status& status);
  // Whether, beside the last loss of `replica`, another replica of any stage
  // was lost after `since`, or this one at another time.
  bool OthersLost(const Stage& stage, const Replica& replica,
                  absl::Duration since) const;
  absl::Duration now() const { return environment_.clock->Monotonic(); }

  std::vector<std::string> StalledStages(absl::string_view job);
  int64_t WaitingAt(Stage& stage);
  JobLoad LoadOf(const std::string& job);
  void ForgetJob(const std::string& job);

 private:
  using Call = std::shared_ptr<PendingCall>;
  // A call and the sending of it that is meant.
  struct Sent {
    Call call;
    std::shared_ptr<Sending> sending;
  };
  using Action = std::function<void()>;  // To be done without the lock.

  // --- Out and back ----------------------------------------------------------
  // Sends what finds a slot: each lane has its own, so none waits for another.
  void Pump(Stage& stage);
  std::optional<Sent> Next(Stage& stage, FairQueue& queue);
  Placement PlacementOf(const PendingCall& call) const;
  // Begins to send the call, where a replica has a slot for it.
  std::optional<Sent> Place(Stage& stage, const Call& call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sent Begin(Stage& stage, const Call& call, std::shared_ptr<Replica> replica)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Send(Stage& stage, const Sent& sent);
  void Answered(Stage& stage, const Sent& sent, UnaryReply reply);
  // Enters how a sending ended; returns its row: of a death, who was at work.
  const VerdictRow& TellLedger(Stage& stage, const LaneOfReplica& where,
                               int64_t number, Verdict verdict)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Looks again and again for late calls, while there are any open.
  void WatchAges(Stage& stage);
  void HedgeLate(Stage& stage);
  std::vector<Sent> BeginHedges(Stage& stage);
  // Ends all calls and fits of a job; their answers wait in `answers_`.
  std::vector<std::shared_ptr<OpenCall>> CancelLocked(const std::string& job)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunAnswersSoon();
  void RunAnswers();

  // --- What answers lead to --------------------------------------------------
  // Does what the table says, after a sending that ended with `status`.
  Action Proceed(Stage& stage, const Sent& sent, Step step,
                 const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What a charge comes to.
  struct Bill {
    bool too_much = false;
    absl::Duration pause;
  };
  Bill ChargeFor(Stage& stage, const Sent& sent, Charge charge)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Bill ChargeAttempt(const Sent& sent) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Bill ChargeDeath(Stage& stage, const Sent& sent)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action Answer(const Sent& sent, UnaryReply& reply)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action Queue(Stage& stage, const Call& call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action QueueElsewhere(Stage& stage, const Sent& sent,
                        const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action BackOff(Stage& stage, const Sent& sent, const absl::Status& status,
                 absl::Duration pause) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action AskNetwork(Stage& stage, const Sent& sent, const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void JudgeSilence(Stage& stage, const Sent& sent, const absl::Status& status);
  // Isolates the call from now on. Returns whether the job has too many such.
  bool Suspect(PendingCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action BringArtifact(Stage& stage, const Sent& sent,
                       const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Brought(Stage& stage, const Sent& sent, const absl::Status& status);
  void Requeue(Stage& stage, const Call& call);
  // Ends the call; the action gives its answer.
  Action Finish(const Call& call, StageResult result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action FinishWith(const Call& call, const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const DispatcherOptions options_;
  const DispatchEnvironment environment_;
  const std::shared_ptr<ArtifactCourier> courier_;
  std::map<std::string, Stage, std::less<>> stages_;  // Fixed once in use.
  std::vector<std::string> order_;                    // Likewise.

  Mutex mutex_;  // Guards everything below, and what stages say it guards.
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t next_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t next_sending_ ABSL_GUARDED_BY(mutex_) = 0;
  CallTable calls_ ABSL_GUARDED_BY(mutex_);
  std::vector<Action> answers_ ABSL_GUARDED_BY(mutex_);  // Not given yet.
};

}  // namespace troupe
