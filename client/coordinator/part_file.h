// A PartFile is one file of an output while it is written: it counts and
// digests what goes in.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/host/sha256.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

class PartFile {
 public:
  // Makes `directory`/`name`, which must not exist.
  static absl::StatusOr<std::unique_ptr<PartFile>> Create(
      const std::string& directory, const std::string& name);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  // Appends `text`, which holds `rows` data rows.
  absl::Status Append(absl::string_view text, int64_t rows);

  int64_t bytes() const { return bytes_; }

  // Syncs and closes. Returns the file's description.
  absl::StatusOr<pb::Part> Finish();

 private:
  PartFile(std::string path, std::string name, int fd)
      : path_(std::move(path)), name_(std::move(name)), fd_(fd) {}

  const std::string path_;
  const std::string name_;
  int fd_;
  int64_t bytes_ = 0;
  int64_t rows_ = 0;
  Sha256 digest_;
};

// Makes the names in `directory` durable.
absl::Status SyncDirectory(const std::string& directory);

}  // namespace troupe
