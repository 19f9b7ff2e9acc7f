// A Replica is one process of a stage, as the coordinator sees it: whether it
// serves, how much it has to do, and how much more it may be given.
//
// Thread safety: `address` and `client` from any thread; everything else
// belongs to the ReplicaSet and its lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "client/rpc/stage_client.h"

namespace troupe {

struct ReplicaLimits {
  int max_credit = 4;  // Calls at once; more would only wait there,
  // except that a quick replica may have as many as it answers in `ahead`, up
  // to `max_quick_credit`: few at a time would make both sides sleep and wake
  // up again for each. For the same reason it gets more only when it has
  // answered half of them.
  int max_quick_credit = 64;
  absl::Duration ahead = absl::Milliseconds(4);
  int64_t max_bytes = int64_t{128} << 20;  // Likewise; one call always may.
};

// What a call's end says about its replica.
struct CallEnd {
  enum class Kind {
    kAnswered,     // Also with an error of its own.
    kSilent,       // Timed out; health will tell.
    kFull,         // MAILBOX_FULL: halve its credit, pause it for `pause`.
    kUnreachable,  // Gone: not serving until health says so again.
    kLeaving,      // The same, and it said so: its end is in order.
    // Another replica was asked later and answered first: halve its credit,
    // and give it nothing until it answers a health check.
    kBeaten,
  };
  Kind kind = Kind::kAnswered;
  int64_t bytes = 0;                    // As in the Placement.
  std::optional<int64_t> mailbox_room;  // The reply's `credit`.
  int64_t rows = 0;
  absl::Duration pause;
  std::string message;
};

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
  // How busy it is: calls against credit.
  double load() const;
  int fits() const { return fits_; }
  // Whether it may be given a call of so many bytes now.
  bool HasSlot(int64_t bytes, absl::Duration now) const;

  void Take(int64_t bytes);
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
  void Apply(const CallEnd& end, absl::Duration now);
  void Grow(int64_t mailbox_room);
  // Notes an answer, to know how many come in a time.
  void Pace(absl::Duration now);
  int MaxCredit() const;
  double RateAt(absl::Duration now) const;

  const ReplicaLimits limits_;
  bool serving_ = false;
  bool leaving_ = false;
  bool lagging_ = false;
  std::string message_ = "not checked yet";
  int missed_checks_ = 0;
  int64_t verdicts_ = 0;
  int64_t failed_checks_ = 0;
  bool lost_ = false;
  int64_t last_loss_ = 0;
  int64_t outstanding_ = 0;
  int64_t outstanding_bytes_ = 0;
  int fits_ = 0;
  double credit_ = 2;
  bool filled_ = false;       // And quick: until half of it is answered.
  absl::Duration answered_;   // The last time; on the monotonic clock.
  bool busy_since_ = false;   // It had another call from then on.
  absl::Duration busy_time_;  // Of the window now, and its answers.
  int64_t busy_answers_ = 0;
  absl::Duration interval_;      // Between answers while busy; zero: unknown.
  absl::Duration paused_until_;  // On the monotonic clock.
  double rate_ = 0;              // Rows per second as of rate_time_.
  absl::Duration rate_time_;
};

}  // namespace troupe
