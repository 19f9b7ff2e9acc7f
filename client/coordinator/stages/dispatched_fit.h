// A DispatchedFit is a Fit on one replica, known to the dispatcher under its
// job, so that cancelling the job ends it.
//
// Thread safety: see FitSession; CancelByJob from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "client/coordinator/stages/dispatch_core.h"
#include "client/coordinator/stages/fit_session.h"
#include "client/coordinator/stages/replica.h"
#include "client/rpc/stage_client.h"

namespace troupe {

class DispatchedFit : public FitSession, public OpenFit {
 public:
  DispatchedFit(std::weak_ptr<DispatchCore> core, FitCall call,
                std::shared_ptr<Replica> replica);
  ~DispatchedFit() override;

  absl::Status Write(const TableBytes& table) override;
  absl::StatusOr<Learned> Finish() override;
  const std::string& replica() const override { return replica_->address; }
  bool died() const override { return died_; }
  bool unrest() const override { return unrest_; }

  const std::string& stage() const override { return call_.stage; }
  void CancelByJob() override;

 private:
  absl::Status Seen(const absl::Status& status);
  // Gives the replica back, once.
  void End(const absl::Status& status);

  const std::weak_ptr<DispatchCore> core_;
  const FitCall call_;
  const std::shared_ptr<Replica> replica_;
  const std::unique_ptr<FitUpload> stream_;
  std::atomic<bool> cancelled_ = false;
  int64_t number_ = -1;  // Of its sending; -1: it has ended.
  bool died_ = false;
  bool unrest_ = false;
};

}  // namespace troupe
