// A DeathCount says of work that ends with its replica, again and again,
// whether it is to blame. Only deaths on a quiet company count: where others
// die too, somebody kills, and it begins anew. So it does after a quiet time
// that is long against how long the work lives; and the pause after each death
// grows, so that who kills at random shows himself by killing when the work is
// not there.
//
// Thread safety: as for a struct.
#pragma once

#include <algorithm>
#include <cmath>

#include "absl/time/time.h"

namespace troupe {

class DeathCount {
 public:
  // So many deaths on a quiet company prove guilt.
  static constexpr int kGuilty = 8;
  // Whatever the company does, work that died so often is given up.
  static constexpr int kHopeless = 256;

  // The work died at `now` with its replica, where it had been at work since
  // `begun`. `unrest`: others died since `quiet_since()`.
  void Died(absl::Duration begun, absl::Duration now, bool unrest) {
    longest_ = std::max(longest_, now - begun);
    const absl::Duration long_ago = std::max(kLongAgo, 3 * longest_);
    if (unrest || (count_ > 0 && now - last_ > long_ago)) count_ = 0;
    ++count_;
    ++all_;
    last_ = now;
  }

  // From when on other deaths are unrest: its last death, or a while before the
  // first, which is at `now`.
  absl::Duration quiet_since(absl::Duration now) const {
    return all_ > 0 ? last_ : now - kBefore;
  }

  int count() const { return count_; }
  bool guilty() const { return count_ >= kGuilty || all_ >= kHopeless; }

  // How long to wait before the next try, at least.
  absl::Duration Pause() const {
    if (count_ < 2) return absl::ZeroDuration();
    return std::min(kLeastPause * std::pow(2.0, count_ - 2), kMostPause);
  }

 private:
  static constexpr absl::Duration kLongAgo = absl::Minutes(10);
  static constexpr absl::Duration kBefore = absl::Seconds(15);
  static constexpr absl::Duration kLeastPause = absl::Milliseconds(500);
  static constexpr absl::Duration kMostPause = absl::Seconds(20);

  int count_ = 0;  // On a quiet company.
  int all_ = 0;
  absl::Duration last_;     // On the monotonic clock, as all times here.
  absl::Duration longest_;  // That it lived.
};

}  // namespace troupe
