// A Hedger decides when a call of one stage is so late that another replica
// should be asked too: later than three times what nearly all of its kind
// took, and than a second. It bounds such calls to a share of all.
//
// Thread safety: needs its owner's lock.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "absl/time/time.h"

namespace troupe {

struct HedgeOptions {
  double factor = 3;  // Times the 95th percentile.
  absl::Duration least_age = absl::Seconds(1);
  size_t window = 200;      // So many recent answers count, per method.
  size_t least_known = 10;  // With fewer nothing is late.
  double ratio = 0.05;      // Hedges per call, and
  double allowance = 10;    // so many at once at most.
};

class Hedger {
 public:
  explicit Hedger(HedgeOptions options);

  // A call was made for the first time.
  void AddCall();
  // A call was answered so long after it was sent.
  void Answered(const std::string& method, absl::Duration age);

  // From which age on a call is late; InfiniteDuration while too little is
  // known.
  absl::Duration LateAge(const std::string& method) const;

  bool HasToken() const { return tokens_ >= 1; }
  void TakeToken() { tokens_ -= 1; }

 private:
  const HedgeOptions options_;
  double tokens_;
  std::map<std::string, std::deque<absl::Duration>> ages_;  // By method.
};

}  // namespace troupe
