#include "services/model/model_options.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"

ABSL_FLAG(
    std::string, scratch_dir, "",
    "directory where training rows are spooled (default: TMPDIR or /tmp)");
ABSL_FLAG(int64_t, training_budget_bytes, 0,
          "memory one training may take (default: half of what the process may "
          "use)");
ABSL_FLAG(int, threads, 0, "threads for training (default: all usable cores)");
ABSL_FLAG(int, predict_threads, 1,
          "threads for one batch of predictions; more replicas scale better");

namespace troupe::model {
namespace {

// The first word of a file; "" where there is none.
std::string FirstWord(const char* path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

}  // namespace

ModelOptions ModelOptions::FromFlags() {
  ModelOptions options;
  options.scratch_dir = absl::GetFlag(FLAGS_scratch_dir);
  if (options.scratch_dir.empty()) {
    const char* const temporary = std::getenv("TMPDIR");
    options.scratch_dir =
        temporary != nullptr && *temporary != '\0' ? temporary : "/tmp";
  }
  options.training_budget_bytes = absl::GetFlag(FLAGS_training_budget_bytes);
  if (options.training_budget_bytes <= 0)
    options.training_budget_bytes = MemoryLimitBytes() / 2;
  options.threads = absl::GetFlag(FLAGS_threads);
  if (options.threads <= 0) options.threads = UsableCores();
  options.predict_threads = std::max(1, absl::GetFlag(FLAGS_predict_threads));
  return options;
}

int64_t MemoryLimitBytes() {
  int64_t limit = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGE_SIZE);
  for (const char* path : {"/sys/fs/cgroup/memory.max",
                           "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    int64_t bytes = 0;
    if (absl::SimpleAtoi(FirstWord(path), &bytes) && bytes > 0)
      limit = std::min(limit, bytes);
  }
  return limit;
}

int UsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = 1;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cores = CPU_COUNT(&set);
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  double microseconds = 0;
  if (file >> quota >> period && period > 0 &&
      absl::SimpleAtod(quota, &microseconds))
    cores = std::min(cores, static_cast<int>(std::ceil(microseconds / period)));
  return std::max(1, cores);
}

}  // namespace troupe::model
