// An OutputFile takes a job's result. A regular file appears under its name
// only when it is whole: it is written beside it, synced and renamed. "-" and
// what is no regular file (a pipe, /dev/null) get the bytes at Commit, too, but
// in place. An ending .gz or .zst compresses.
//
// The file beside it is locked as long as its process lives, so that the next
// one knows what a dead one left, also where both are process 1 of a container.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/compressor.h"
#include "client/cli/interrupt.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class OutputFile {
 public:
  // Checks at once that the target can be written, and removes what processes
  // that died left beside it. INVALID_ARGUMENT (BAD_OUTPUT) when not. `key`: 8
  // hex digits of what it will hold; what an earlier process began to write of
  // the same is gone on with.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(
      const std::string& path, std::ostream& standard_output, Followed followed,
      const std::string& key = "");
  // Removes what was not committed, unless it is to be kept.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // DATA_LOSS (WRITE_FAILED) when the disk is full and the like.
  absl::Status Write(absl::string_view bytes);
  // Takes the file at `place`, of `bytes` bytes, for the whole, in place of
  // what Write would bring: one file with two names then, and nothing is
  // copied. False, and Write may begin, where that cannot be: on another
  // machine or file system, of another owner, older than this object,
  // compressed, with a key, ...
  bool Share(const pb::OutputPlace& place, int64_t bytes);

  // What is written so far; at first, what an earlier process wrote.
  int64_t bytes() const { return bytes_; }
  // Reads that again, `bytes` from `offset` on.
  absl::StatusOr<std::string> ReadBack(int64_t offset, int64_t bytes) const;
  // Takes back all but the first `bytes`.
  absl::Status Cut(int64_t bytes);
  // Leaves what is written where a later process with the same key finds it.
  void Keep() { keep_ = !key_.empty() && bytes_ > 0; }
  // Makes the whole visible. Errors as of Write.
  absl::Status Commit();

  // Whether the target is a regular file, which has neighbours.
  bool regular() const { return regular_; }

 private:
  OutputFile(std::string path, std::ostream& out, Followed followed,
             std::string key)
      : path_(std::move(path)),
        out_(out),
        followed_(std::move(followed)),
        key_(std::move(key)) {}
  bool OpenKept(const std::string& target);
  absl::Status Open();
  absl::Status OpenTemporary(const std::string& target);
  int OpenShared(const pb::OutputPlace& place, int64_t bytes,
                 const std::string& name) const;
  absl::Status WriteRaw(absl::string_view bytes);
  absl::Status CopyTo(std::ostream& out) const;
  absl::Status Refused(absl::string_view what) const;
  absl::Status Failed(absl::string_view what) const;

  std::string path_;  // With symbolic links resolved.
  std::ostream& out_;
  Followed followed_;
  std::string key_;  // "" where nothing can be gone on with.
  bool keep_ = false;
  bool regular_ = true;
  std::string temporary_;  // "" once it is gone.
  int fd_ = -1;
  int64_t bytes_ = 0;      // Written.
  int64_t flushing_ = 0;   // Of them, those that the disk was told to write.
  int64_t forgotten_ = 0;  // Of them, those that the cache need not keep.
  std::unique_ptr<Compressor> compressor_;  // Null for none.
};

}  // namespace troupe
