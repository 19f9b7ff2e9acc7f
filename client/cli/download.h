// Fetches the output of a finished job, and trusts nothing but its manifest:
// sizes, SHA-256 and row counts must agree before anything appears.
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

// Where a job's output goes: `path`, and its rejected rows beside it.
class OutputTarget {
 public:
  // Checks at once, before a job is run for it, that `path` can be written.
  static absl::StatusOr<OutputTarget> Create(const std::string& path,
                                             std::ostream& standard_output,
                                             Followed followed);

  // Fetches everything and then publishes it. A rejects file that an earlier
  // run left beside the output is removed when nothing was rejected this time.
  // DATA_LOSS (OUTPUT_CORRUPT) when the bytes are not those of the manifest;
  // nothing is published then.
  absl::Status Fetch(CoordinatorClient& client, const pb::Job& job,
                     ProgressView& progress);

  // `predictions.csv.rejects.jsonl`; "" where the output is no regular file.
  std::string rejects_path() const;

 private:
  OutputTarget() = default;

  std::string path_;
  std::ostream* out_ = nullptr;
  Followed followed_;
  std::unique_ptr<OutputFile> file_;
};

// Checks that the manifest accounts for every row.
absl::Status CheckManifest(const pb::Manifest& manifest);

}  // namespace troupe
