// The StoreMark is the file beside the database that says which database
// belongs here, and how many of its commits have been acknowledged: a database
// that was exchanged, lost or put back, and a log whose end is damaged, are
// noticed by it.
//
// Two slots are written in turn, each with a checksum, so that the newest mark
// but one outlives a torn write.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace troupe {

struct Mark {
  std::string id;        // Of the store: 24 hex digits, made once.
  int64_t sequence = 0;  // Commits of its database that were acknowledged.
};

// The name of the file.
inline constexpr char kStoreMark[] = "troupe.mark";

class StoreMark {
 public:
  // What the file says; nullopt where there is none. DATA_LOSS
  // (JOURNAL_DAMAGED) when neither slot can be read.
  static absl::StatusOr<std::optional<Mark>> Read(const std::string& state_dir);

  // Makes the file say `mark`, durably, and keeps it open.
  static absl::StatusOr<std::unique_ptr<StoreMark>> Open(
      const std::string& state_dir, const Mark& mark);
  ~StoreMark();
  StoreMark(const StoreMark&) = delete;
  StoreMark& operator=(const StoreMark&) = delete;

  // Durable when this returns. A full disk leaves the mark as it was, which is
  // true still, and says less; any other failure ends the process.
  void Write(int64_t sequence);

 private:
  StoreMark(std::string path, std::string id, int fd)
      : path_(std::move(path)), id_(std::move(id)), fd_(fd) {}

  const std::string path_;
  const std::string id_;
  const int fd_;
};

// Whether a database that says `found` belongs beside a file that says `before`
// (nullopt: it says nothing). DATABASE_FOREIGN, DATABASE_BEHIND.
absl::Status CheckMark(const std::string& state_dir,
                       const std::optional<Mark>& before,
                       const std::optional<Mark>& found);

// Whether files of jobs lie in the directory: output, artifacts or uploads.
bool HasJobFiles(const std::string& state_dir);

// FAILED_PRECONDITION (DATABASE_MISSING).
absl::Status DatabaseMissing(const std::string& state_dir);

}  // namespace troupe
