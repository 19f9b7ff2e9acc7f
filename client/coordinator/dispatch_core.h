// The DispatchCore is the inside of a Dispatcher: its state, and what happens
// to a call from step to step. Every step takes the lock, decides, and acts
// after it has let go of it.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/coordinator/artifact_courier.h"
#include "client/coordinator/dispatcher.h"
#include "client/coordinator/fair_queue.h"
#include "client/coordinator/pending_call.h"
#include "client/coordinator/retry_policy.h"
#include "services/base/mutex.h"

namespace troupe {

class DispatchedFit;

class DispatchCore : public std::enable_shared_from_this<DispatchCore> {
 public:
  struct Stage {
    Stage(std::unique_ptr<ReplicaSet> replicas,
          const DispatcherOptions& options);
    const std::unique_ptr<ReplicaSet> replicas;
    // Guarded by the core's mutex.
    FairQueue queue;
    RetryBudget budget;
  };

  DispatchCore(DispatcherOptions options, Dispatcher::Environment environment);

  void AddStage(std::unique_ptr<ReplicaSet> replicas);
  Stage* Find(absl::string_view stage);
  absl::Status UnknownStage(absl::string_view stage) const;
  const std::vector<std::string>& order() const { return order_; }

  void Dispatch(StageCall call, std::function<void(StageResult)> done);
  void CancelJob(const std::string& job);
  // Answers everything; nothing is accepted afterwards.
  void Stop();

  // A fit registers itself for as long as it lives.
  void AddFit(const std::string& job, DispatchedFit* fit);
  void RemoveFit(const std::string& job, DispatchedFit* fit);

  std::vector<std::string> StalledStages(absl::string_view job);
  JobLoad LoadOf(const std::string& job);
  void ForgetJob(const std::string& job);

 private:
  // One sending of a call.
  struct Sending {
    std::shared_ptr<PendingCall> call;
    std::shared_ptr<Replica> replica;
    int attempt = 0;
    std::optional<pb::BatchId> id;
  };
  struct Job {
    std::set<std::shared_ptr<PendingCall>> calls;
    std::set<DispatchedFit*> fits;
    int64_t retries = 0;
    bool forgotten = false;
  };
  using Action = std::function<void()>;  // To be done without the lock.

  // Sends what finds a slot.
  void Pump(Stage& stage);
  std::optional<Sending> Next(Stage& stage);
  void Send(Stage& stage, Sending sending);
  void Answered(Stage& stage, const std::shared_ptr<Sending>& sending,
                UnaryReply reply);
  Action Decide(Stage& stage, const Sending& sending, UnaryReply& reply)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action RepeatAfterFailure(Stage& stage, const Sending& sending,
                            const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action RepeatAfterFault(Stage& stage, const Sending& sending,
                          const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action BringArtifact(Stage& stage, const Sending& sending,
                       const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Brought(Stage& stage, const Sending& sending,
               const absl::Status& status);
  void Requeue(Stage& stage, const std::shared_ptr<PendingCall>& call);
  // Ends the call; the action gives its answer.
  Action Finish(const std::shared_ptr<PendingCall>& call, StageResult result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Action FinishWith(const std::shared_ptr<PendingCall>& call,
                    const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropIfOver(const std::string& job) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends all calls and fits of a job; their answers wait in `answers_`.
  std::vector<std::shared_ptr<OpenCall>> CancelLocked(Job& job,
                                                      const std::string& name)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunAnswersSoon();
  void RunAnswers();

  const DispatcherOptions options_;
  const Dispatcher::Environment environment_;
  const std::shared_ptr<ArtifactCourier> courier_;
  std::map<std::string, Stage, std::less<>> stages_;  // Fixed once in use.
  std::vector<std::string> order_;                    // Likewise.

  Mutex mutex_;  // Guards everything below, queues, budgets and calls.
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t next_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Job> jobs_ ABSL_GUARDED_BY(mutex_);
  std::vector<Action> answers_ ABSL_GUARDED_BY(mutex_);  // Not given yet.
};

}  // namespace troupe
