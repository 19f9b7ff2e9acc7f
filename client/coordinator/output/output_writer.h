// An OutputWriter writes one job's output: parts, rejects and manifest, in a
// directory that appears under its final name complete or not at all.
//
//   DIR/part-00000.csv ...   rolled at max_part_bytes; together the output, so
//                            only the first begins with the header
//   DIR/rejects.jsonl        one {row, reason, message, text} per rejected row
//   DIR/manifest.json        pb::Manifest; without it the output is not
//                            finished
//
// Everything is written below DIR.tmp, which stays when the writer goes, so
// that the next one can go on from what the journal vouches for. Publish
// renames it.
//
// A batch is: Append and Reject, any number of times, then EndBatch. What Sync
// has made durable may then be committed to the journal.
//
// Thread safety: one thread at a time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "client/coordinator/output/part_file.h"
#include "proto/pb.h"
#include "services/table/rejected_rows.h"
#include "services/table/table.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

struct OutputOptions {
  std::string directory;  // The final name. Its parent must exist.
  pb::Format format = pb::CSV;
  int64_t max_part_bytes = int64_t{1} << 40;
  Schema schema;  // Of all rows, for the header.
  // Asked while what was committed is read again.
  MayGoOn may_go_on = [] { return absl::OkStatus(); };
  mode_t mode = 0600;  // Of the files; the directory's is DirectoryMode.
};

class OutputWriter {
 public:
  // Goes on behind the last of the `committed` batches (all from number 0 on)
  // whose bytes are in DIR.tmp as they were written; cuts off what lies behind.
  // With none it makes DIR.tmp anew. `good` of those given are good.
  struct Opened {
    std::unique_ptr<OutputWriter> writer;
    size_t good = 0;
  };
  static absl::StatusOr<Opened> Open(
      const OutputOptions& options,
      const std::vector<pb::JournalBatch>& committed);

  // Appends the lines of `rows` rows, in the output's format and with its
  // columns.
  absl::Status Append(absl::Span<const absl::string_view> pieces, int64_t rows);

  // Appends rejected rows, at least one, each with its text as it stood in the
  // input.
  absl::Status Reject(const RejectedRows& rows,
                      const std::vector<std::string>& texts);

  // Ends a batch. Returns where it lies (part... and rejects... of it).
  absl::StatusOr<pb::JournalBatch> EndBatch();

  // Makes all batches that ended durable, names and all. Ends the process when
  // the disk cannot.
  absl::Status Sync();

  // The first rejected rows, read back from the rejects file.
  absl::StatusOr<std::vector<pb::RejectedRow>> FirstRejected(
      size_t count) const;

  // Closes and syncs all files, completes `manifest` (which holds the rows read
  // and rejected), writes it, and renames the directory. INTERNAL, and nothing
  // is published, unless every row that was read is in a part or in the
  // rejects. Nothing may follow.
  absl::StatusOr<pb::Manifest> Publish(pb::Manifest manifest);

 private:
  explicit OutputWriter(const OutputOptions& options);

  absl::Status MakeEmpty();
  absl::StatusOr<size_t> Reopen(const std::vector<pb::JournalBatch>& committed);
  absl::StatusOr<size_t> ReopenPart(
      const std::vector<pb::JournalBatch>& committed, size_t first);
  absl::Status RemoveOthers();
  std::string PartName() const;
  absl::Status OpenPart();
  absl::Status ClosePart();
  absl::Status BeginHeader();
  absl::Status WriteManifest(const pb::Manifest& manifest);
  absl::Status Rename();

  const OutputOptions options_;
  const std::string temporary_;
  bool header_begun_ = false;
  bool names_synced_ = false;
  std::unique_ptr<PartFile> part_;
  std::unique_ptr<PartFile> rejects_;
  std::vector<pb::Part> parts_;
  pb::JournalBatch batch_;  // Where the batch at hand began.
};

// The manifest of a published output, when there is one and every file is as it
// says: its size and its digest. NOT_FOUND where nothing was published;
// DATA_LOSS (OUTPUT_DAMAGED); or an error of `may_go_on`, asked at every MiB.
absl::StatusOr<pb::Manifest> ReadPublished(const std::string& directory,
                                           const MayGoOn& may_go_on);

}  // namespace troupe
