// A LocalInput is a table that lies on this machine and is sent to the
// coordinator.
//
// Thread safety: functions without state.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/progress.h"
#include "client/rpc/coordinator_client.h"
#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

// Finds `path` on this machine, below each of `directories` in turn ("" is the
// working directory); "-" is standard input, and always there. A name with glob
// characters is taken literally where such a file exists. Nothing when there is
// no such file; INVALID_ARGUMENT (SEVERAL_FILES) when a glob matches more than
// one, as only one can be sent.
absl::StatusOr<std::optional<std::string>> FindLocalFile(
    const std::string& path, const std::vector<std::string>& directories);

// Sends the file, decompressed, and returns the upload's id. Errors of
// FileChunks::Open and Next, and the coordinator's.
absl::StatusOr<std::string> UploadFile(CoordinatorClient& client,
                                       const std::string& path,
                                       pb::Compression compression,
                                       ProgressView& progress);

// Makes `source` name an input and returns the id to put into
// CreateJobRequest.upload: a local file is sent, and the id is that of the
// upload; otherwise (or with `remote`) the id is "" and `source.path` stays as
// what the loader will look for.
struct InputChoice {
  std::string path;
  std::vector<std::string> directories = {""};
  bool remote = false;
};
// What the user is told where neither this machine nor the loader has the
// input: `loader` (its FILE_NOT_FOUND or OUTSIDE_ROOTS), the directories that
// were looked in here, and the nearest name there.
absl::Status InputNotFound(const InputChoice& choice,
                           const absl::Status& loader);

absl::StatusOr<std::string> SendInput(CoordinatorClient& client,
                                      const InputChoice& choice,
                                      pb::Source& source,
                                      ProgressView& progress);

}  // namespace troupe
