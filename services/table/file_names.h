// What the name of a file of rows tells by its endings, whatever their case.
//
// Thread safety: functions without state.
#pragma once

#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "troupe/v1/pipeline.pb.h"

namespace troupe {

// GZIP for `.gz`, ZSTD for `.zst`, otherwise NONE.
pb::Compression CompressionOf(absl::string_view name);

// `name` without the ending of its compression.
absl::string_view WithoutCompression(absl::string_view name);

// CSV for `.csv`, TSV for `.tsv` and `.tab`, JSONL for `.jsonl` and `.ndjson`,
// each also before the ending of a compression; otherwise FORMAT_UNSPECIFIED.
pb::Format FormatOf(absl::string_view name);

}  // namespace troupe
