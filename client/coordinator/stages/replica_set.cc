#include "client/coordinator/stages/replica_set.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "absl/algorithm/container.h"
#include "client/coordinator/stages/look_up.h"
#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/mutex.h"

namespace troupe {
namespace {

constexpr size_t kLossesKept = 256;

}  // namespace

// Shared with the tasks and callbacks that outlive the set.
class ReplicaSet::State : public std::enable_shared_from_this<State> {
 public:
  State(ReplicaSetOptions options, std::unique_ptr<Resolver> resolver,
        Environment environment)
      : options_(std::move(options)),
        environment_(std::move(environment)),
        look_up_(std::move(resolver), environment_.resolving,
                 environment_.timers) {}

  void ResolveLater(absl::Duration delay) {
    look_up_.After(delay, [weak = weak_from_this()](const auto& found) {
      if (const auto state = weak.lock()) {
        state->Found(found);
        state->ResolveLater(state->look_up_.interval());
      }
    });
  }

  void ResolveSoon(std::function<void()> done) {
    look_up_.After(
        absl::ZeroDuration(),
        [weak = weak_from_this(), done = std::move(done)](const auto& found) {
          if (const auto state = weak.lock()) state->Found(found);
          done();
        });
  }

  void OnChange(std::function<void()> changed) {
    MutexLock lock(&mutex_);
    changed_ = std::move(changed);
  }

  void Pause(absl::Duration time) {
    environment_.timers->After(time, [weak = weak_from_this()] {
      if (const auto state = weak.lock()) state->Changed();
    });
  }

  absl::Duration now() const { return environment_.clock->Monotonic(); }

  // Changes a replica by `act`, and notes it where it was lost by that.
  template <class Act>
  bool Change(const std::shared_ptr<Replica>& replica, Act act)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const bool changed = act(*replica);
    if (!replica->TakeLost()) return changed;
    losses_.push_back({++last_loss_, now()});
    replica->set_last_loss(last_loss_);
    if (losses_.size() > kLossesKept) losses_.pop_front();
    return changed;
  }

  const ReplicaSetOptions options_;
  const Environment environment_;
  mutable Mutex mutex_;  // Guards the replicas and their states.
  std::map<std::string, std::shared_ptr<Replica>> replicas_
      ABSL_GUARDED_BY(mutex_);
  Replicas all_ ABSL_GUARDED_BY(mutex_);  // The same; every call goes by here.
  struct Loss {
    int64_t number = 0;
    absl::Duration at;
  };
  std::deque<Loss> losses_ ABSL_GUARDED_BY(mutex_);  // The newest last.
  int64_t last_loss_ ABSL_GUARDED_BY(mutex_) = 0;

 private:
  // Runs on the thread of the timers only.
  void Found(const absl::StatusOr<Addresses>& addresses);
  // Makes the set equal to `addresses`; returns those that are new.
  Replicas Apply(const Addresses& addresses);
  void CheckLater(const std::shared_ptr<Replica>& replica,
                  absl::Duration delay);
  void Check(const std::shared_ptr<Replica>& replica);
  void Checked(const std::shared_ptr<Replica>& replica, int64_t verdicts,
               const absl::Status& health);
  bool IsMember(const Replica& replica) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = replicas_.find(replica.address);
    return found != replicas_.end() && found->second.get() == &replica;
  }
  void Changed();

  LookUp look_up_;
  bool look_up_failed_ = false;  // Belongs to the timers' thread.
  std::function<void()> changed_ ABSL_GUARDED_BY(mutex_);
};

void ReplicaSet::State::Found(const absl::StatusOr<Addresses>& addresses) {
  // Nothing known is no reason to give up replicas that work.
  const bool failed = !addresses.ok();
  if (failed && !look_up_failed_)
    LogError("cannot find the replicas", addresses.status(),
             {{"stage", options_.stage}});
  look_up_failed_ = failed;
  if (failed) return;
  for (const auto& replica : Apply(*addresses)) Check(replica);
}

Replicas ReplicaSet::State::Apply(const Addresses& addresses) {
  std::vector<std::string> missing;
  {
    MutexLock lock(&mutex_);
    for (const std::string& address : addresses)
      if (!replicas_.contains(address)) missing.push_back(address);
  }
  Replicas added;
  for (const std::string& address : missing)
    added.push_back(std::make_shared<Replica>(environment_.connect(address),
                                              options_.limits));
  Replicas removed;  // Freed without the lock.
  {
    MutexLock lock(&mutex_);
    for (auto it = replicas_.begin(); it != replicas_.end();) {
      if (absl::c_linear_search(addresses, it->first)) {
        ++it;
        continue;
      }
      removed.push_back(it->second);
      it = replicas_.erase(it);
    }
    for (const auto& replica : added)
      replicas_.emplace(replica->address, replica);
    all_.clear();
    for (const auto& [address, replica] : replicas_) all_.push_back(replica);
  }
  for (const auto& replica : added)
    Log(LogLevel::kInfo, "replica found",
        {{"stage", options_.stage}, {"replica", replica->address}});
  for (const auto& replica : removed)
    Log(LogLevel::kInfo, "replica no longer listed",
        {{"stage", options_.stage}, {"replica", replica->address}});
  if (!removed.empty()) Changed();
  return added;
}

void ReplicaSet::State::CheckLater(const std::shared_ptr<Replica>& replica,
                                   absl::Duration delay) {
  environment_.timers->After(
      delay, [weak = weak_from_this(), weak_replica = std::weak_ptr(replica)] {
        const auto state = weak.lock();
        const auto replica = weak_replica.lock();
        if (state != nullptr && replica != nullptr) state->Check(replica);
      });
}

void ReplicaSet::State::Check(const std::shared_ptr<Replica>& replica) {
  // A process that was killed and started again between two checks.
  const bool lost = !replica->client->connected();
  int64_t verdicts = 0;
  {
    MutexLock lock(&mutex_);
    if (!IsMember(*replica)) return;
    if (lost && replica->serving())
      Change(replica, [](Replica& lost) {
        return lost.SetNotServing("its connection was lost");
      });
    verdicts = replica->verdicts();
  }
  CheckHealth(
      *replica->client, options_.health_service, options_.health_timeout,
      [weak = weak_from_this(), replica, verdicts](const absl::Status& health) {
        if (const auto state = weak.lock())
          state->Checked(replica, verdicts, health);
      });
}

void ReplicaSet::State::Checked(const std::shared_ptr<Replica>& replica,
                                int64_t verdicts, const absl::Status& health) {
  bool changed = false;
  bool served = false;
  bool serving = false;
  {
    MutexLock lock(&mutex_);
    if (!IsMember(*replica)) return;
    served = replica->serving();
    changed = Change(replica, [&](Replica& checked) {
      if (health.ok())
        return verdicts == checked.verdicts() && checked.SetServing();
      if (absl::IsDeadlineExceeded(health)) return checked.MissCheck();
      const std::string why(health.message());
      return ReasonOf(health) == "NOT_SERVING" ? checked.SetLeaving(why)
                                               : checked.FailCheck(why);
    });
    serving = replica->serving();
  }
  CheckLater(replica, options_.health_interval);
  if (!changed) return;
  if (serving != served)
    Log(serving ? LogLevel::kInfo : LogLevel::kWarning,
        serving ? "replica serves" : "replica does not serve",
        {{"stage", options_.stage},
         {"replica", replica->address},
         {"message", std::string(health.message())}});
  Changed();
}

void ReplicaSet::State::Changed() {
  std::function<void()> changed;
  {
    MutexLock lock(&mutex_);
    changed = changed_;
  }
  if (changed) changed();
}

ReplicaSet::ReplicaSet(ReplicaSetOptions options,
                       std::unique_ptr<Resolver> resolver,
                       Environment environment)
    : state_(std::make_shared<State>(std::move(options), std::move(resolver),
                                     std::move(environment))) {
  state_->ResolveLater(absl::ZeroDuration());
}

ReplicaSet::~ReplicaSet() { state_->OnChange(nullptr); }

void ReplicaSet::OnChange(std::function<void()> changed) {
  state_->OnChange(std::move(changed));
}

std::shared_ptr<Replica> ReplicaSet::Acquire(const Placement& placement) {
  MutexLock lock(&state_->mutex_);
  std::shared_ptr<Replica> chosen = ChooseReplica(
      state_->all_, placement, state_->now(), state_->environment_.random);
  if (chosen != nullptr) chosen->Take(placement.lane, placement.bytes);
  return chosen;
}

void ReplicaSet::Release(const std::shared_ptr<Replica>& replica,
                         const CallEnd& end) {
  {
    MutexLock lock(&state_->mutex_);
    state_->Change(replica, [&](Replica& given) {
      given.GiveBack(end, state_->now());
      return false;
    });
  }
  if (end.kind == CallEnd::Kind::kFull) state_->Pause(end.pause);
}

std::shared_ptr<Replica> ReplicaSet::AcquireForFit(
    const std::vector<std::string>& avoided) {
  MutexLock lock(&state_->mutex_);
  const Replicas wanted = ServingOf(state_->all_, avoided);
  if (wanted.empty()) return nullptr;
  std::shared_ptr<Replica> chosen = *std::min_element(
      wanted.begin(), wanted.end(),
      [](const auto& a, const auto& b) { return a->fits() < b->fits(); });
  chosen->TakeFit();
  return chosen;
}

void ReplicaSet::ReleaseFit(const std::shared_ptr<Replica>& replica,
                            const CallEnd& end) {
  MutexLock lock(&state_->mutex_);
  state_->Change(replica, [&](Replica& given) {
    given.GiveBackFit(end);
    return false;
  });
}

bool ReplicaSet::HasServing(const std::string& except) const {
  MutexLock lock(&state_->mutex_);
  for (const auto& [address, replica] : state_->replicas_)
    if (replica->serving() && address != except) return true;
  return false;
}

int64_t ReplicaSet::FailedChecksOf(const Replica& replica) const {
  MutexLock lock(&state_->mutex_);
  return replica.failed_checks();
}

bool ReplicaSet::IsLeaving(const Replica& replica) const {
  MutexLock lock(&state_->mutex_);
  return replica.leaving();
}

int64_t ReplicaSet::LastLossOf(const Replica& replica) const {
  MutexLock lock(&state_->mutex_);
  return replica.last_loss();
}

bool ReplicaSet::LostAnother(int64_t own, absl::Duration since) const {
  MutexLock lock(&state_->mutex_);
  return absl::c_any_of(state_->losses_, [&](const auto& loss) {
    return loss.number != own && loss.at > since;
  });
}

std::vector<ReplicaInfo> ReplicaSet::List() const {
  MutexLock lock(&state_->mutex_);
  std::vector<ReplicaInfo> list;
  for (const auto& [address, replica] : state_->replicas_)
    list.push_back(replica->Describe(state_->now()));
  return list;
}

const ReplicaSetOptions& ReplicaSet::options() const {
  return state_->options_;
}

void ReplicaSet::ResolveSoon(std::function<void()> done) {
  state_->ResolveSoon(std::move(done));
}

}  // namespace troupe
