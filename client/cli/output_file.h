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

namespace troupe {

class OutputFile {
 public:
  // Checks at once that the target can be written, and removes what processes
  // that died left beside it. INVALID_ARGUMENT (BAD_OUTPUT) when not.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(
      const std::string& path, std::ostream& standard_output,
      Followed followed);
  // Removes what was not committed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // DATA_LOSS (WRITE_FAILED) when the disk is full and the like.
  absl::Status Write(absl::string_view bytes);
  // Makes the whole visible. Errors as of Write.
  absl::Status Commit();

  // Whether the target is a regular file, which has neighbours.
  bool regular() const { return regular_; }

 private:
  OutputFile(std::string path, std::ostream& out, Followed followed)
      : path_(std::move(path)), out_(out), followed_(std::move(followed)) {}
  absl::Status Open();
  absl::Status OpenTemporary(const std::string& target);
  absl::Status WriteRaw(absl::string_view bytes);
  absl::Status CopyTo(std::ostream& out) const;
  absl::Status Refused(absl::string_view what) const;
  absl::Status Failed(absl::string_view what) const;

  std::string path_;  // With symbolic links resolved.
  std::ostream& out_;
  Followed followed_;
  bool regular_ = true;
  std::string temporary_;  // "" once it is gone.
  int fd_ = -1;
  int64_t bytes_ = 0;     // Written.
  int64_t flushing_ = 0;  // Of them, those that the disk was told to write.
  std::unique_ptr<Compressor> compressor_;  // Null for none.
};

}  // namespace troupe
