#include "client/coordinator/stages/fair_queue.h"

#include <utility>

namespace troupe {
namespace {

int HasWishes(const PendingCall& call) {
  return call.avoided.empty() && call.call.affinity.empty() ? 0 : 1;
}

}  // namespace

void FairQueue::Add(std::shared_ptr<PendingCall> call) {
  Calls& calls = jobs_[call->call.job];
  const int64_t sequence = call->sequence;
  wishes_ += HasWishes(*call);
  calls.emplace(sequence, std::move(call));
}

void FairQueue::Remove(const PendingCall& call) {
  const auto job = jobs_.find(call.call.job);
  if (job == jobs_.end()) return;
  if (job->second.erase(call.sequence) > 0) wishes_ -= HasWishes(call);
  if (job->second.empty()) jobs_.erase(job);
}

int64_t FairQueue::size() const {
  int64_t size = 0;
  for (const auto& [job, calls] : jobs_)
    size += static_cast<int64_t>(calls.size());
  return size;
}

std::shared_ptr<PendingCall> FairQueue::Take(
    absl::FunctionRef<Try(const PendingCall&)> place) {
  auto job = jobs_.upper_bound(last_);
  for (size_t turns = jobs_.size(); turns > 0; --turns, ++job) {
    if (job == jobs_.end()) job = jobs_.begin();
    for (const auto& [sequence, waiting] : job->second) {
      const Try tried = place(*waiting);
      if (tried == Try::kNone) return nullptr;
      if (tried == Try::kNext) continue;
      std::shared_ptr<PendingCall> call = waiting;
      last_ = job->first;
      Remove(*call);
      return call;
    }
  }
  return nullptr;
}

}  // namespace troupe
