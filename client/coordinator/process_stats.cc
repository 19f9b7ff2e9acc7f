#include "client/coordinator/process_stats.h"

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "services/base/clock.h"
#include "services/host/process_memory.h"

namespace troupe {
pb::ActorStats OwnStats() {
  static const absl::Duration started = Clock::Real()->Monotonic();
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  pb::ActorStats stats;
  stats.set_service("coordinator");
  stats.set_replica(absl::StrCat(host, ":", getpid()));
  stats.set_state(pb::READY);
  stats.set_uptime_seconds(
      absl::ToDoubleSeconds(Clock::Real()->Monotonic() - started));
  stats.set_rss_bytes(ResidentBytes());
  stats.set_peak_rss_bytes(PeakResidentBytes());
  return stats;
}

}  // namespace troupe
