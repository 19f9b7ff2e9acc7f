// What the program's exit code says. `troupe --help` and the README list them.
//
// Thread safety: functions without state.
#pragma once

#include "absl/status/status.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

enum ExitCode : int {
  kDone = 0,
  kFailed = 1,       // The job failed, or the coordinator refused.
  kWrongUsage = 2,   // The command line, the pipeline file or an input's name.
  kUnreachable = 3,  // No coordinator answers.
  kCancelled = 4,    // The job was cancelled.
  kPartial = 5,      // Done, but some rows were rejected.
  kDiskFull = 6,     // The job waits until there is space, and a resume.
  kInterrupted = 130,  // Ctrl-C; a job that was followed goes on.
};

// For an error that ended the command.
ExitCode ExitCodeOf(const absl::Status& status);

// For a job that has ended.
ExitCode ExitCodeOf(pb::JobState state);

}  // namespace troupe
