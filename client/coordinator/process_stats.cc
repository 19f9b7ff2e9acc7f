#include "client/coordinator/process_stats.h"

#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/base/clock.h"

namespace troupe {
namespace {

// A line of /proc/self/status such as `VmRSS:   1234 kB`, in bytes.
int64_t StatusBytes(absl::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!absl::StartsWith(line, key)) continue;
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(": \t"), absl::SkipEmpty());
    int64_t kilobytes = 0;
    if (words.size() >= 2 && absl::SimpleAtoi(words[1], &kilobytes))
      return kilobytes * 1024;
  }
  return 0;
}

}  // namespace

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
  stats.set_rss_bytes(StatusBytes("VmRSS:"));
  stats.set_peak_rss_bytes(StatusBytes("VmHWM:"));
  return stats;
}

}  // namespace troupe
