#include "client/coordinator/state/state_meter.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/coordinator/state/storage.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

struct Disk {
  int64_t bytes = 0;
  int64_t free = 0;
};

Disk DiskOf(const std::string& path) {
  struct statvfs disk = {};
  if (statvfs(path.c_str(), &disk) != 0) return {};
  const auto block = static_cast<int64_t>(disk.f_frsize);
  return {static_cast<int64_t>(disk.f_blocks) * block,
          static_cast<int64_t>(disk.f_bavail) * block};
}

int64_t SizeOf(const fs::directory_entry& entry) {
  std::error_code error;
  if (entry.is_symlink(error) || !entry.is_regular_file(error)) return 0;
  const auto bytes = entry.file_size(error);
  return error ? 0 : static_cast<int64_t>(bytes);
}

}  // namespace

StateMeter::StateMeter(std::string state_dir, const Limits& limits)
    : state_dir_(std::move(state_dir)), limits_(limits) {}

int64_t StateMeter::BytesOf(const std::string& path) {
  std::error_code error;
  int64_t bytes = SizeOf(fs::directory_entry(path, error));
  for (fs::recursive_directory_iterator entry(path, error), end;
       !error && entry != end; entry.increment(error))
    bytes += SizeOf(*entry);
  return bytes;
}

pb::StateUsage StateMeter::Measure() {
  pb::StateUsage usage;
  for (const char* name : {"troupe.db", "troupe.db-wal"})
    usage.set_database(usage.database() +
                       BytesOf(absl::StrCat(state_dir_, "/", name)));
  std::error_code error;
  for (fs::directory_iterator entry(state_dir_ + "/output", error), end;
       !error && entry != end; entry.increment(error)) {
    const int64_t bytes = BytesOf(entry->path().string());
    if (absl::EndsWith(entry->path().string(), ".tmp"))
      usage.set_unfinished(usage.unfinished() + bytes);
    else
      usage.set_outputs(usage.outputs() + bytes);
  }
  usage.set_artifacts(BytesOf(state_dir_ + "/artifacts"));
  usage.set_uploads(BytesOf(state_dir_ + "/uploads"));
  usage.set_lost_found(BytesOf(state_dir_ + "/lost+found"));
  usage.set_limit(limits_.max_bytes);
  const Disk disk = DiskOf(state_dir_);
  usage.set_free(disk.free);
  usage.set_disk(disk.bytes);
  MutexLock lock(&mutex_);
  latest_ = usage;
  return usage;
}

pb::StateUsage StateMeter::Latest() const {
  MutexLock lock(&mutex_);
  return latest_;
}

absl::Status StateMeter::RoomForUpload(int64_t bytes) const {
  const Disk disk = DiskOf(state_dir_);
  if (disk.free - bytes < std::min(limits_.reserve_bytes, disk.bytes / 10))
    return DiskFull(absl::StrCat(
        "the disk of \"", state_dir_,
        "\" is full but for the reserve of the journal, which uploads may not "
        "take (--reserve_bytes)"));
  if (limits_.max_bytes > 0 && TotalOf(Latest()) + bytes > limits_.max_bytes)
    return DiskFull(absl::StrCat("\"", state_dir_, "\" holds ",
                                 limits_.max_bytes,
                                 " bytes, which is all it may "
                                 "(--max_state_bytes); delete jobs, or wait "
                                 "until old output has gone"));
  return absl::OkStatus();
}

int64_t TotalOf(const pb::StateUsage& usage) {
  return usage.database() + usage.outputs() + usage.unfinished() +
         usage.artifacts() + usage.uploads() + usage.lost_found();
}

}  // namespace troupe
