// StageCalls is what a job needs of the dispatcher: an interface, so that tests
// can play the stages.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/coordinator/stages/dispatcher.h"

namespace troupe {

class StageCalls {
 public:
  virtual ~StageCalls() = default;

  // As the Dispatcher's methods of the same names.
  virtual void Dispatch(StageCall call,
                        std::function<void(StageResult)> done) = 0;
  virtual absl::StatusOr<std::unique_ptr<FitSession>> StartFit(
      const FitCall& call) = 0;
  virtual void CancelJob(const std::string& job) = 0;
  virtual void ForgetJob(const std::string& job) = 0;
  virtual std::vector<std::string> StalledStages(const std::string& job) = 0;
  virtual JobLoad LoadOf(const std::string& job) = 0;
  virtual std::vector<std::string> Stages() = 0;
  virtual bool HasServingReplica(const std::string& stage) = 0;
};

class DispatcherCalls : public StageCalls {
 public:
  // `dispatcher` must live as long as this object.
  explicit DispatcherCalls(Dispatcher* dispatcher) : dispatcher_(dispatcher) {}

  void Dispatch(StageCall call,
                std::function<void(StageResult)> done) override {
    dispatcher_->Dispatch(std::move(call), std::move(done));
  }
  absl::StatusOr<std::unique_ptr<FitSession>> StartFit(
      const FitCall& call) override {
    return dispatcher_->StartFit(call);
  }
  void CancelJob(const std::string& job) override {
    dispatcher_->CancelJob(job);
  }
  void ForgetJob(const std::string& job) override {
    dispatcher_->ForgetJob(job);
  }
  std::vector<std::string> StalledStages(const std::string& job) override {
    return dispatcher_->StalledStages(job);
  }
  JobLoad LoadOf(const std::string& job) override {
    return dispatcher_->LoadOf(job);
  }
  std::vector<std::string> Stages() override { return dispatcher_->Stages(); }
  bool HasServingReplica(const std::string& stage) override {
    return dispatcher_->HasServingReplica(stage);
  }

 private:
  Dispatcher* const dispatcher_;
};

}  // namespace troupe
