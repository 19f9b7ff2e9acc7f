#include "client/coordinator/stages/dispatcher.h"

#include <utility>

#include "client/coordinator/stages/dispatch_core.h"
#include "client/coordinator/stages/dispatched_fit.h"
#include "services/base/errors.h"
#include "services/base/latch.h"

namespace troupe {

Dispatcher::Dispatcher(DispatcherOptions options, Environment environment)
    : core_(std::make_shared<DispatchCore>(options, std::move(environment))) {}

Dispatcher::~Dispatcher() { core_->Stop(); }

void Dispatcher::AddStage(std::unique_ptr<ReplicaSet> replicas) {
  core_->AddStage(std::move(replicas));
}

std::vector<std::string> Dispatcher::Stages() const { return core_->order(); }

bool Dispatcher::HasStage(absl::string_view stage) const {
  return core_->Find(stage) != nullptr;
}

ReplicaSet* Dispatcher::Replicas(absl::string_view stage) const {
  DispatchCore::Stage* const found = core_->Find(stage);
  return found == nullptr ? nullptr : found->replicas.get();
}

void Dispatcher::Dispatch(StageCall call,
                          std::function<void(StageResult)> done) {
  core_->Dispatch(std::move(call), std::move(done));
}

StageResult Dispatcher::DispatchAndWait(StageCall call) {
  struct Waiting {
    Latch answered;
    StageResult result;  // Written before it is answered, read after.
  };
  const auto waiting = std::make_shared<Waiting>();
  Dispatch(std::move(call), [waiting](StageResult result) {
    waiting->result = std::move(result);
    waiting->answered.CountDown();
  });
  waiting->answered.Wait();
  return std::move(waiting->result);
}

void Dispatcher::CancelJob(absl::string_view job) {
  core_->CancelJob(std::string(job));
}

absl::StatusOr<std::unique_ptr<FitSession>> Dispatcher::StartFit(
    const FitCall& call) {
  DispatchCore::Stage* const stage = core_->Find(call.stage);
  if (stage == nullptr) return core_->UnknownStage(call.stage);
  std::shared_ptr<Replica> replica =
      stage->replicas->AcquireForFit(call.avoided);
  if (replica == nullptr) return NoReplica({call.stage});
  return std::make_unique<DispatchedFit>(core_, call, std::move(replica));
}

bool Dispatcher::HasServingReplica(absl::string_view stage) const {
  ReplicaSet* const replicas = Replicas(stage);
  return replicas != nullptr && replicas->HasServing();
}

std::vector<std::string> Dispatcher::StalledStages(
    absl::string_view job) const {
  return core_->StalledStages(job);
}

int64_t Dispatcher::WaitingAt(absl::string_view stage) const {
  DispatchCore::Stage* const found = core_->Find(stage);
  return found == nullptr ? 0 : core_->WaitingAt(*found);
}

JobLoad Dispatcher::LoadOf(absl::string_view job) const {
  return core_->LoadOf(std::string(job));
}

void Dispatcher::ForgetJob(absl::string_view job) {
  core_->ForgetJob(std::string(job));
}

}  // namespace troupe
