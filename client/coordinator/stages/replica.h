// A Replica is one process of a stage, as the coordinator sees it: whether it
// serves, how much it has to do, and how much more it may be given.
//
// Thread safety: `address` and `client` from any thread; everything else
// belongs to the ReplicaSet and its lock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "client/coordinator/stages/lane_credit.h"
#include "client/rpc/stage_client.h"

namespace troupe {

// One replica, for people.
struct ReplicaInfo {
  std::string address;
  bool serving = false;
  std::string message;  // Why it does not serve.
  int64_t outstanding = 0;
  double rows_per_second = 0;
  std::shared_ptr<StageClient> client;
};

class Replica {
 public:
  Replica(std::shared_ptr<StageClient> client, ReplicaLimits limits);

  const std::string address;
  const std::shared_ptr<StageClient> client;

  bool serving() const { return serving_; }
  // Whether it announced its end, and has not served since.
  bool leaving() const { return leaving_; }
  // Whether another was quicker, and its health has not answered since.
  bool lagging() const { return lagging_; }
  // How busy a lane is: calls against credit.
  double load(Lane lane) const { return CreditOf(lane).load(); }
  int fits() const { return fits_; }
  // Whether the lane may be given a call of so many bytes now.
  bool HasSlot(Lane lane, int64_t bytes, absl::Duration now) const;

  void Take(Lane lane, int64_t bytes) { CreditOf(lane).Take(bytes); }
  void GiveBack(const CallEnd& end, absl::Duration now);
  void TakeFit() { ++fits_; }
  void GiveBackFit(const CallEnd& end);

  // A number that changes whenever something other than a health check decided
  // about `serving`: the answer to an older check is then worth nothing.
  int64_t verdicts() const { return verdicts_; }
  // Health checks that it failed so far, one missed answer excepted.
  int64_t failed_checks() const { return failed_checks_; }
  // Whether it ceased to serve, without having announced its end, since this
  // was last asked.
  bool TakeLost() { return std::exchange(lost_, false); }
  // The set's number of the last time that it was lost; 0: never.
  int64_t last_loss() const { return last_loss_; }
  void set_last_loss(int64_t number) { last_loss_ = number; }
  // Each returns whether `serving` changed; SetServing also when it lags no
  // more.
  bool SetServing();
  bool SetNotServing(const std::string& why);
  bool SetLeaving(const std::string& why);
  // A health check that got no answer in time; the second in a row counts.
  bool MissCheck();
  // A health check that could not be made.
  bool FailCheck(const std::string& why);

  ReplicaInfo Describe(absl::Duration now) const;

 private:
  // Of a call that ended, or of a Fit.
  void Apply(const CallEnd& end);
  const LaneCredit& CreditOf(Lane lane) const {
    return lane == Lane::kOnline ? online_ : batch_;
  }
  LaneCredit& CreditOf(Lane lane) {
    return lane == Lane::kOnline ? online_ : batch_;
  }
  double RateAt(absl::Duration now) const;

  bool serving_ = false;
  bool leaving_ = false;
  bool lagging_ = false;
  std::string message_ = "not checked yet";
  int missed_checks_ = 0;
  int64_t verdicts_ = 0;
  int64_t failed_checks_ = 0;
  bool lost_ = false;
  int64_t last_loss_ = 0;
  LaneCredit batch_;
  LaneCredit online_;
  int fits_ = 0;
  double rate_ = 0;  // Rows per second as of rate_time_.
  absl::Duration rate_time_;
};

}  // namespace troupe
