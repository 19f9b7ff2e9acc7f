#include "services/table/file_names.h"

#include "absl/strings/match.h"

namespace troupe {

pb::Compression CompressionOf(absl::string_view name) {
  if (absl::EndsWithIgnoreCase(name, ".gz")) return pb::GZIP;
  if (absl::EndsWithIgnoreCase(name, ".zst")) return pb::ZSTD;
  return pb::NONE;
}

absl::string_view WithoutCompression(absl::string_view name) {
  if (CompressionOf(name) != pb::NONE) name = name.substr(0, name.rfind('.'));
  return name;
}

pb::Format FormatOf(absl::string_view name) {
  const absl::string_view stem = WithoutCompression(name);
  const auto ends = [stem](absl::string_view ending) {
    return absl::EndsWithIgnoreCase(stem, ending);
  };
  if (ends(".csv")) return pb::CSV;
  if (ends(".tsv") || ends(".tab")) return pb::TSV;
  if (ends(".jsonl") || ends(".ndjson")) return pb::JSONL;
  return pb::FORMAT_UNSPECIFIED;
}

}  // namespace troupe
