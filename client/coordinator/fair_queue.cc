#include "client/coordinator/fair_queue.h"

#include <utility>

namespace troupe {

void FairQueue::Add(std::shared_ptr<PendingCall> call) {
  Calls& calls = jobs_[call->call.job];
  const int64_t sequence = call->sequence;
  calls.emplace(sequence, std::move(call));
}

void FairQueue::Remove(const PendingCall& call) {
  const auto job = jobs_.find(call.call.job);
  if (job == jobs_.end()) return;
  job->second.erase(call.sequence);
  if (job->second.empty()) jobs_.erase(job);
}

std::shared_ptr<PendingCall> FairQueue::Take(
    const std::function<bool(const PendingCall&)>& place) {
  auto job = jobs_.upper_bound(last_);
  for (size_t turns = jobs_.size(); turns > 0; --turns, ++job) {
    if (job == jobs_.end()) job = jobs_.begin();
    for (const auto& [sequence, waiting] : job->second) {
      if (!place(*waiting)) continue;
      std::shared_ptr<PendingCall> call = waiting;
      last_ = job->first;
      Remove(*call);
      return call;
    }
  }
  return nullptr;
}

}  // namespace troupe
