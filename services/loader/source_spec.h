// How a Source is to be read: what its spec says, and what its name says where
// the spec says nothing.
//
// Thread safety: functions without state.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/loader/formats/dialect.h"
#include "services/loader/formats/time_format.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe::loader {

// The format by the spec, else by the ending of `name`: .csv; .tsv, .tab;
// .jsonl, .ndjson (before .gz or .zst). BAD_SPEC where neither says, and for
// options that contradict each other.
absl::StatusOr<Dialect> ResolveDialect(const pb::Source& source,
                                       absl::string_view name);

// NONE, GZIP or ZSTD: by the spec, else by the ending of `name`.
pb::Compression ResolveCompression(const pb::Source& source,
                                   absl::string_view name);

// How the times of `column` are written, where the spec says so. BAD_SPEC where
// that is no format.
absl::StatusOr<std::optional<TimeFormat>> TimeFormatOf(
    const pb::Source& source, const std::string& column);

}  // namespace troupe::loader
