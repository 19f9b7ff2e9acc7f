#include "client/coordinator/stages/call_table.h"

#include <algorithm>

namespace troupe {

void CallTable::Add(const std::shared_ptr<PendingCall>& call) {
  jobs_[call->call.job].calls.insert(call);
}

void CallTable::Remove(const std::shared_ptr<PendingCall>& call) {
  const auto job = jobs_.find(call->call.job);
  if (job == jobs_.end()) return;
  job->second.calls.erase(call);
  DropIfOver(job);
}

void CallTable::AddFit(const std::string& job, OpenFit* fit) {
  jobs_[job].fits.insert(fit);
}

void CallTable::RemoveFit(const std::string& job, OpenFit* fit) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  found->second.fits.erase(fit);
  DropIfOver(found);
}

std::vector<std::string> CallTable::Jobs() const {
  std::vector<std::string> names;
  for (const auto& [name, job] : jobs_) names.push_back(name);
  return names;
}

CallTable::Calls CallTable::CallsOf(const std::string& job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? Calls() : found->second.calls;
}

std::set<OpenFit*> CallTable::FitsOf(const std::string& job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? std::set<OpenFit*>() : found->second.fits;
}

std::vector<std::shared_ptr<PendingCall>> CallTable::OpenAt(
    const std::string& stage) const {
  std::vector<std::shared_ptr<PendingCall>> open;
  for (const auto& [name, job] : jobs_)
    for (const auto& call : job.calls)
      if (call->state == PendingCall::State::kOpen && call->call.stage == stage)
        open.push_back(call);
  std::sort(open.begin(), open.end(), [](const auto& a, const auto& b) {
    return a->sequence < b->sequence;
  });
  return open;
}

std::set<std::string> CallTable::StagesInUse(absl::string_view job) const {
  std::set<std::string> stages;
  for (const auto& [name, entry] : jobs_) {
    if (!job.empty() && name != job) continue;
    for (const auto& call : entry.calls) stages.insert(call->call.stage);
  }
  return stages;
}

JobLoad CallTable::LoadOf(const std::string& job) const {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return {};
  JobLoad load = found->second.counters;
  for (const auto& call : found->second.calls)
    ++(call->state == PendingCall::State::kOpen
           ? load.in_flight
           : load.waiting)[call->call.stage];
  for (const OpenFit* const fit : found->second.fits)
    ++load.in_flight[fit->stage()];
  return load;
}

void CallTable::Forget(const std::string& job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  found->second.forgotten = true;
  DropIfOver(found);
}

void CallTable::DropIfOver(ByName::iterator job) {
  if (job->second.forgotten && job->second.calls.empty() &&
      job->second.fits.empty())
    jobs_.erase(job);
}

}  // namespace troupe
