// The StateMeter tells what takes how much of the state directory, and whether
// there is room for more.
//
// Thread safety: all methods may be called from any thread. Measure reads
// directories; the others do not wait for it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "proto/pb.h"
#include "services/base/mutex.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class StateMeter {
 public:
  struct Limits {
    int64_t max_bytes = 0;  // Of all that is there; 0: no limit.
    // What uploads leave free on the disk, so that the journal can go on; at
    // most a tenth of the disk.
    int64_t reserve_bytes = int64_t{64} << 20;
  };
  StateMeter(std::string state_dir, const Limits& limits);

  // Looks at everything, and remembers it.
  pb::StateUsage Measure();
  // As it was measured last.
  pb::StateUsage Latest() const;

  // Whether an upload may take `bytes` more. RESOURCE_EXHAUSTED (DISK_FULL).
  absl::Status RoomForUpload(int64_t bytes) const;

  // How much lies in a directory, or in a file.
  static int64_t BytesOf(const std::string& path);

 private:
  const std::string state_dir_;
  const Limits limits_;
  mutable Mutex mutex_;
  pb::StateUsage latest_ ABSL_GUARDED_BY(mutex_);
};

// The sum of what is used.
int64_t TotalOf(const pb::StateUsage& usage);

}  // namespace troupe
