// A PartFile is one file of an output while it is written: it counts and
// digests what goes in. After a restart it goes on behind what the journal
// vouches for.
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
#include "client/coordinator/state/storage.h"
#include "proto/pb.h"
#include "services/host/resumable_sha256.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class PartFile {
 public:
  // What one batch left in a file: the bytes up to `end`, from where the range
  // before it ended.
  struct Range {
    int64_t end = 0;
    uint32_t crc32c = 0;
    int64_t rows = 0;
    std::string digest;  // Where given: TakeDigest's, of the file up to `end`.
  };

  // Makes `directory`/`name`, which must not exist, with the permissions
  // `mode`.
  static absl::StatusOr<std::unique_ptr<PartFile>> Create(
      const std::string& directory, const std::string& name, mode_t mode);

  // Opens `directory`/`name` (an empty one where it is missing), and cuts off
  // what lies behind the last of the `ranges` that are there and have their
  // checksum. `good` tells how many ranges, from the first on, that are. What
  // lies before a range's digest is not read: the digest vouches for it. An
  // error of `may_go_on`, which is asked at every MiB, ends it.
  struct Reopened {
    std::unique_ptr<PartFile> file;
    size_t good = 0;
  };
  static absl::StatusOr<Reopened> Reopen(const std::string& directory,
                                         const std::string& name, mode_t mode,
                                         const std::vector<Range>& ranges,
                                         const MayGoOn& may_go_on);

  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  // Appends the pieces of a text that holds `rows` data rows. The disk begins
  // with them while they are digested.
  absl::Status Append(absl::Span<const absl::string_view> pieces, int64_t rows);

  int64_t bytes() const { return bytes_; }
  // CRC-32C of what was appended since the last call.
  uint32_t TakeCrc32c();
  // For a Range: where 16 MiB were appended since the last one, and where a
  // file that long `closes`; empty otherwise.
  std::string TakeDigest(bool closes);

  // Makes what was appended durable. Ends the process when that fails. A long
  // file is not kept in the system's cache: fresh memory for it is dearer than
  // what it is written with.
  void Sync();

  // Syncs and closes. Returns the file's description.
  absl::StatusOr<pb::Part> Finish();

 private:
  PartFile(std::string path, std::string name, int fd)
      : path_(std::move(path)), name_(std::move(name)), fd_(fd) {}

  size_t TakeVouchedFor(const std::vector<Range>& ranges, int64_t there);
  absl::StatusOr<bool> TakeRange(const Range& range, int64_t there,
                                 const MayGoOn& may_go_on);

  const std::string path_;
  const std::string name_;
  int fd_;
  bool synced_ = true;
  int64_t bytes_ = 0;
  int64_t rows_ = 0;
  uint32_t crc32c_ = 0;
  int64_t digest_taken_ = 0;  // At so many bytes.
  int64_t forgotten_ = 0;     // Bytes that the cache need not keep.
  ResumableSha256 digest_;
};

}  // namespace troupe
