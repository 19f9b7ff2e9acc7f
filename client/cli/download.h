// Fetches the output of a finished job, and trusts nothing but its manifest:
// sizes, SHA-256 and row counts must agree before anything appears.
//
// Where the coordinator wrote it on this machine and file system, for this
// user, since the target was made, the output is not copied but gets a second
// name. Its bytes were digested when they were written, and are not again.
//
// Thread safety: one thread.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/interrupt.h"
#include "client/cli/output_file.h"
#include "client/cli/progress.h"
#include "client/rpc/coordinator_client.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// Where a job's output goes: `path`, and its rejected rows beside it or where
// the user wants them.
class OutputTarget {
 public:
  // Checks at once, before a job is run for it, that `path` can be written.
  // `rejects`: "" for beside it. `job`: the one whose output it will be, where
  // there is one already: then what an earlier process fetched of it is gone on
  // with. INVALID_ARGUMENT (BAD_OUTPUT).
  static absl::StatusOr<OutputTarget> Create(const std::string& path,
                                             const std::string& rejects,
                                             std::ostream& standard_output,
                                             Followed followed,
                                             const pb::Job* job = nullptr);

  // Fetches everything and then publishes it. A rejects file that an earlier
  // run left beside the output is removed when nothing was rejected this time;
  // one that was asked for by name is then empty.
  // DATA_LOSS (OUTPUT_CORRUPT) when the bytes are not those of the manifest;
  // nothing is published then. What was fetched before the connection was lost
  // for good is kept for the next process that fetches the same.
  absl::Status Fetch(CoordinatorClient& client, const pb::Job& job,
                     ProgressView& progress);

  // `predictions.csv.rejects.jsonl`, or as the user said; "" where the output
  // is no regular file.
  std::string rejects_path() const;

 private:
  OutputTarget() = default;

  std::string path_;
  std::string rejects_;  // As the user said.
  std::ostream* out_ = nullptr;
  Followed followed_;
  std::unique_ptr<OutputFile> file_;
};

// Checks that the manifest accounts for every row.
absl::Status CheckManifest(const pb::Manifest& manifest);

}  // namespace troupe
