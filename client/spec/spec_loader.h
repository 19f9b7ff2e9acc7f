// Loads a pipeline file (YAML or JSON) into its proto, and knows afterwards
// where each field stands, so that the coordinator's complaints can be shown at
// their line.
//
// Thread safety: as for a struct.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/spec/spec_reader.h"
#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

struct LoadedSpec {
  std::string file;  // As the user named it.
  std::string text;  // For the lines below messages; empty: they have none.
  pb::PipelineSpec spec;
  FieldPositions positions;

  // Puts `file:line:column: ` before each line of an error that names a `field`
  // of the spec in its metadata: the field's own place, or that of the nearest
  // part of the file around it; also as metadata `yaml_line` and `yaml_column`.
  // Other statuses come back unchanged.
  absl::Status Locate(const absl::Status& status) const;
};

// Returns INVALID_ARGUMENT (BAD_SPEC) with one line per mistake, each
// `file:line:column: what is wrong`; metadata `yaml_line`, `yaml_column` and,
// where it is about one, `field`. Defaults are not filled in.
absl::StatusOr<LoadedSpec> ParseSpec(const std::string& text,
                                     absl::string_view file);

// Reads the file first, and shows each mistake in its line:
// NOT_FOUND (FILE_NOT_FOUND), or INVALID_ARGUMENT (BAD_SPEC) when it is no file
// or too large.
absl::StatusOr<LoadedSpec> LoadSpec(const std::string& path);

}  // namespace troupe
