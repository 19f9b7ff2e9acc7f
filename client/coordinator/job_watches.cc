#include "client/coordinator/job_watches.h"

#include <algorithm>
#include <utility>

#include "client/coordinator/passes/job_context.h"
#include "services/base/clock.h"
#include "services/host/rpc_payload.h"
#include "services/table/serialize.h"

namespace troupe {
namespace {

constexpr absl::Duration kLookEvery = absl::Milliseconds(20);
constexpr absl::Duration kTellEvery = absl::Milliseconds(500);
// A message takes some 20 us of a core.
constexpr absl::Duration kPerWatcher = absl::Milliseconds(2);

// Removes those whose callers left.
void Sweep(std::vector<std::shared_ptr<Watch>>& watchers) {
  watchers.erase(std::remove_if(watchers.begin(), watchers.end(),
                                [](const auto& each) { return each->ended(); }),
                 watchers.end());
}

grpc::ByteBuffer Bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

JobWatches::JobWatches() : thread_([this] { Run(); }) {}

JobWatches::~JobWatches() {
  End(absl::CancelledError("the coordinator ends"));
  thread_.join();
}

void JobWatches::Add(std::shared_ptr<LiveJob> job,
                     std::shared_ptr<Watch> watch) {
  // All of it under the lock, so that no change falls between.
  MutexLock lock(&mutex_);
  if (!end_.ok()) return watch->End(end_);
  const LiveJob::Snapshot now = job->Get();
  absl::StatusOr<grpc::ByteBuffer> first = SerializeBytes(now.job);
  if (!first.ok()) return watch->End(first.status());
  watch->Send(*std::move(first));
  if (HasStopped(now.job.state())) return watch->End(absl::OkStatus());
  const auto [place, added] = watched_.try_emplace(std::move(job));
  Watched& watched = place->second;
  if (added) {
    watched.head = {now.version, now.job.state()};
    watched.told_at = Clock::Real()->Monotonic();
  }
  watched.watchers.push_back(std::move(watch));
  changed_.NotifyAll();
}

void JobWatches::End(const absl::Status& status) {
  MutexLock lock(&mutex_);
  if (end_.ok()) end_ = status;
  for (const auto& [job, watched] : watched_)
    for (const auto& watch : watched.watchers) watch->End(end_);
  watched_.clear();
  changed_.NotifyAll();
}

void JobWatches::Run() {
  MutexLock lock(&mutex_);
  while (end_.ok()) {
    if (watched_.empty())
      changed_.Wait(&mutex_);
    else
      changed_.WaitFor(&mutex_, kLookEvery);
    Look();
  }
}

void JobWatches::Look() {
  const absl::Duration now = Clock::Real()->Monotonic();
  const bool sweep = now - swept_at_ >= kTellEvery;
  if (sweep) swept_at_ = now;
  int64_t watchers = 0;
  for (auto& [job, watched] : watched_) {
    if (sweep) Sweep(watched.watchers);
    watchers += static_cast<int64_t>(watched.watchers.size());
  }
  const absl::Duration interval = std::max(kTellEvery, watchers * kPerWatcher);
  for (auto each = watched_.begin(); each != watched_.end();)
    if (Tell(*each->first, each->second, interval))
      each = watched_.erase(each);
    else
      ++each;
}

bool JobWatches::Tell(const LiveJob& job, Watched& watched,
                      absl::Duration interval) {
  const auto& watchers = watched.watchers;
  if (watchers.empty()) return true;
  const LiveJob::Head head = job.head();
  const absl::Duration now = Clock::Real()->Monotonic();
  const bool due =
      now - watched.told_at >= interval || head.state != watched.head.state;
  if (!due || head.version == watched.head.version) return false;
  LiveJob::Snapshot snapshot = job.Get();
  snapshot.job.clear_request();
  absl::StatusOr<std::string> text = Serialize(snapshot.job);
  watched.head = {snapshot.version, snapshot.job.state()};
  watched.told_at = now;
  const bool stopped = HasStopped(snapshot.job.state());
  if (text.ok() && *text != watched.told) {
    const grpc::ByteBuffer bytes = Bytes(*text);
    for (const auto& watch : watchers) watch->Send(bytes);
    watched.told = *std::move(text);
  }
  if (stopped)
    for (const auto& watch : watchers) watch->End(text.status());
  return stopped;
}

}  // namespace troupe
