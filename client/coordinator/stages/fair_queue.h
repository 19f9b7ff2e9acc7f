// A FairQueue holds the calls of one stage that wait for a slot. Jobs take
// turns; within a job the oldest goes first.
//
// Thread safety: needs its owner's lock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "client/coordinator/stages/pending_call.h"

namespace troupe {

class FairQueue {
 public:
  void Add(std::shared_ptr<PendingCall> call);
  void Remove(const PendingCall& call);

  enum class Try {
    kTaken,  // It has its place.
    kNext,   // None for this one; look at the next.
    kNone,   // None for any.
  };
  // Removes and returns the first call that `place` finds a place for,
  // beginning with the job after the one served last. Null when there is none.
  std::shared_ptr<PendingCall> Take(
      absl::FunctionRef<Try(const PendingCall&)> place);

  // Whether any call wishes for a replica or avoids one. Those wishes must not
  // change while a call is here.
  bool has_wishes() const { return wishes_ > 0; }

  bool empty() const { return jobs_.empty(); }
  int64_t size() const;
  // A call of `job` found its place without queueing: that was its job's turn.
  void Passed(const std::string& job) { last_ = job; }

 private:
  using Calls = std::map<int64_t, std::shared_ptr<PendingCall>>;  // By age.

  std::map<std::string, Calls> jobs_;  // None empty.
  std::string last_;                   // The job served last.
  int64_t wishes_ = 0;                 // Calls that have some.
};

}  // namespace troupe
