// An OutputWriter writes one job's output: parts, rejects and manifest, in a
// directory that appears under its final name complete or not at all.
//
//   DIR/part-00000.csv ...   rolled at max_part_bytes; together the output, so
//                            only the first begins with the header
//   DIR/rejects.jsonl        one {row, reason, message, text} per rejected row
//   DIR/manifest.json        pb::Manifest; without it the output is not
//   finished
//
// Everything is written below DIR.tmp, synced, and renamed by Publish. A writer
// that is destroyed before that removes what it wrote.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/coordinator/part_file.h"
#include "proto/pb.h"
#include "services/table/table.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// A rejected row, with its text as it stood in the input.
struct RejectedRecord {
  pb::RejectedRow row;
  std::string text;
};

struct OutputOptions {
  std::string directory;  // The final name. Its parent must exist.
  pb::Format format = pb::CSV;
  int64_t max_part_bytes = int64_t{256} << 20;
};

class OutputWriter {
 public:
  // Makes DIR.tmp anew.
  static absl::StatusOr<std::unique_ptr<OutputWriter>> Create(
      OutputOptions options);
  ~OutputWriter();

  // Appends rows. All tables must have the columns of the first one.
  absl::Status Append(const Table& table);

  // Appends rejected rows.
  absl::Status Reject(const std::vector<RejectedRecord>& records);

  // Says which columns there are when no table came; otherwise ignored.
  absl::Status FinishHeader(const Schema& schema);

  // Closes and syncs all files, completes `manifest` (which holds the rows read
  // and rejected), writes it, and renames the directory. INTERNAL, and nothing
  // is published, unless every row that was read is in a part or in the
  // rejects. Nothing may follow.
  absl::StatusOr<pb::Manifest> Publish(pb::Manifest manifest);

 private:
  explicit OutputWriter(OutputOptions options);

  absl::Status OpenPart();
  absl::Status ClosePart();
  absl::Status BeginHeader(const Schema& schema);
  absl::Status WriteManifest(const pb::Manifest& manifest);

  const OutputOptions options_;
  const std::string temporary_;
  bool header_begun_ = false;
  std::vector<std::string> columns_;
  std::string text_;  // Reused from table to table.
  std::unique_ptr<PartFile> part_;
  std::unique_ptr<PartFile> rejects_;
  std::vector<pb::Part> parts_;
  bool published_ = false;
};

}  // namespace troupe
