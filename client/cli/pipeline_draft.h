// Drafts a pipeline file for a table: every guess is marked as one, and the
// file trains as it stands.
//
// Thread safety: functions without state.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/cli/table_profile.h"
#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

struct DraftOptions {
  std::string name;     // Of the pipeline.
  pb::Source source;    // Its path as the file is to say it.
  std::string target;   // "" to be guessed.
  std::string command;  // That trains the file, for its first lines.
  bool whole = true;    // Whether the profile has seen every row.
};

// INVALID_ARGUMENT: UNKNOWN_COLUMN for a target that is not there, NO_TARGET
// where no column can be one.
absl::StatusOr<std::string> DraftPipeline(const TableProfile& table,
                                          const DraftOptions& options);

// `name` with what no pipeline's name may hold replaced; never empty.
std::string PipelineName(absl::string_view name);

}  // namespace troupe
