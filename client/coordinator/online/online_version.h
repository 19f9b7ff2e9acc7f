// An OnlineVersion is a stored version made ready for requests: everything that
// is the same for each of them.
//
// Thread safety: as for a struct.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/coordinator/passes/batch_flow.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"
#include "troupe/v1/loader.pb.h"

namespace troupe {

struct OnlineVersion {
  std::string name;                 // NAME@N
  pb::LoadRequest load;             // But for its text.
  std::vector<FlowHop> hops;        // Behind the loader.
  pb::TextForm text;                // What the last hop answers: JSON Lines.
  std::vector<std::string> stages;  // All it needs, each once.
  int64_t max_rows = 0;  // At most so many fit into a message at every hop.
};

// BAD_SPEC where the version has no model.
absl::StatusOr<std::shared_ptr<const OnlineVersion>> MakeOnlineVersion(
    pb::Pipeline pipeline, int64_t max_batch_bytes);

}  // namespace troupe
