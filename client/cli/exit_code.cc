#include "client/cli/exit_code.h"

#include <string>

#include "services/base/errors.h"

namespace troupe {

ExitCode ExitCodeOf(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  if (status.ok()) return kDone;
  if (reason == "COORDINATOR_UNREACHABLE") return kUnreachable;
  if (reason == "FILE_NOT_FOUND" || reason == "OUTSIDE_ROOTS")
    return kWrongUsage;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return kWrongUsage;
    case absl::StatusCode::kCancelled:
      return kCancelled;
    case absl::StatusCode::kUnavailable:
      // With a reason it is an answer, such as DRAINING.
      return reason.empty() ? kUnreachable : kFailed;
    default:
      return kFailed;
  }
}

ExitCode ExitCodeOf(pb::JobState state) {
  switch (state) {
    case pb::SUCCEEDED:
      return kDone;
    case pb::PARTIALLY_SUCCEEDED:
      return kPartial;
    case pb::CANCELLED:
      return kCancelled;
    case pb::DISK_FULL:
      return kDiskFull;
    default:
      return kFailed;
  }
}

}  // namespace troupe
