// A CallTable is what the dispatcher knows of each job: its calls and fits that
// are under way, and what it counts for it.
//
// Thread safety: needs its owner's lock.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "client/coordinator/stages/dispatch_options.h"
#include "client/coordinator/stages/pending_call.h"

namespace troupe {

// A fit that is under way.
class OpenFit {
 public:
  virtual ~OpenFit() = default;
  virtual const std::string& stage() const = 0;
  // From any thread, never blocks.
  virtual void CancelByJob() = 0;
};

class CallTable {
 public:
  using Calls = absl::flat_hash_set<std::shared_ptr<PendingCall>>;

  void Add(const std::shared_ptr<PendingCall>& call);
  void Remove(const std::shared_ptr<PendingCall>& call);
  void AddFit(const std::string& job, OpenFit* fit);
  void RemoveFit(const std::string& job, OpenFit* fit);

  std::vector<std::string> Jobs() const;
  // Copies, so that they may be ended one by one.
  Calls CallsOf(const std::string& job) const;
  std::set<OpenFit*> FitsOf(const std::string& job) const;
  // Those of `stage` that are sent, the oldest first.
  std::vector<std::shared_ptr<PendingCall>> OpenAt(
      const std::string& stage) const;
  // Stages that have calls (of `job` where not empty).
  std::set<std::string> StagesInUse(absl::string_view job) const;

  // The job's counters; the job is one that has calls.
  JobLoad& CountersOf(const std::string& job) { return jobs_[job].counters; }
  JobLoad LoadOf(const std::string& job) const;
  // Drops the job's counters as soon as nothing of it is under way.
  void Forget(const std::string& job);

 private:
  struct Job {
    Calls calls;
    std::set<OpenFit*> fits;
    JobLoad counters;
    bool forgotten = false;
  };
  using ByName = std::map<std::string, Job>;
  void DropIfOver(ByName::iterator job);

  ByName jobs_;
};

}  // namespace troupe
