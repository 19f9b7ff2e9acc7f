// A FitSession is one Fit on one replica, as a job sees it.
//
// Thread safety: from one thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/rpc/stage_client.h"
#include "client/rpc/table_bytes.h"

namespace troupe {

// One Fit, as FitUpload, of a job and with the replica it runs on. From one
// thread. Destroying it before Finish cancels it.
class FitSession {
 public:
  virtual ~FitSession() = default;
  // Waits until the transport takes the table. After an error (the Fit's final
  // one) send no more.
  virtual absl::Status Write(const TableBytes& table) = 0;
  virtual absl::StatusOr<Learned> Finish() = 0;
  virtual const std::string& replica() const = 0;
  // After an error: whether it was at work there when the replica died, and
  // then, whether others were lost since the call's `quiet_since`.
  virtual bool died() const = 0;
  virtual bool unrest() const = 0;
};

struct FitCall {
  std::string stage;
  std::string job;
  pb::FitStart start;
  FitOptions options;
  std::vector<std::string> avoided;  // Replicas where it failed before.
  absl::Duration quiet_since;        // As DeathCount's; on the monotonic clock.
};

}  // namespace troupe
