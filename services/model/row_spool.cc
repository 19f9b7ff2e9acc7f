#include "services/model/row_spool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe::model {
namespace {

constexpr size_t kWriteBytes = size_t{1} << 20;

absl::Status ScratchError(absl::string_view what) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return MakeError(full ? absl::StatusCode::kResourceExhausted
                        : absl::StatusCode::kFailedPrecondition,
                   full ? "SCRATCH_FULL" : "SCRATCH_FAILED",
                   absl::StrCat(what, ": ", std::strerror(error),
                                "; --scratch_dir names another volume"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RowSpool>> RowSpool::Create(
    const std::string& directory, int64_t cols) {
  std::string path = absl::StrCat(directory, "/troupe-spool-XXXXXX");
  const int file = mkstemp(path.data());
  if (file < 0)
    return ScratchError(absl::StrCat("no scratch file in \"", directory, "\""));
  unlink(path.c_str());
  return absl::WrapUnique(new RowSpool(file, cols));
}

RowSpool::~RowSpool() {
  if (mapped_ != nullptr) munmap(mapped_, mapped_bytes_);
  close(file_);
}

absl::Status RowSpool::Append(const float* row) {
  pending_.append(reinterpret_cast<const char*>(row),
                  static_cast<size_t>(cols_) * sizeof(float));
  ++rows_;
  return pending_.size() < kWriteBytes ? absl::OkStatus() : Flush();
}

absl::Status RowSpool::Flush() {
  for (size_t done = 0; done < pending_.size();) {
    const ssize_t wrote =
        write(file_, pending_.data() + done, pending_.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return ScratchError("training rows cannot be spooled");
    done += static_cast<size_t>(wrote);
  }
  pending_.clear();
  return absl::OkStatus();
}

absl::StatusOr<const float*> RowSpool::Map() {
  if (mapped_ == nullptr && rows_ * cols_ > 0) {
    RETURN_IF_ERROR(Flush());
    pending_.shrink_to_fit();
    const size_t bytes = static_cast<size_t>(rows_ * cols_) * sizeof(float);
    void* const mapped = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file_, 0);
    if (mapped == MAP_FAILED)
      return ScratchError("the scratch file cannot be mapped");
    mapped_ = mapped;
    mapped_bytes_ = bytes;
  }
  return static_cast<const float*>(mapped_);
}

void RowSpool::Release(int64_t end) const {
  if (mapped_ == nullptr) return;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t bytes = static_cast<size_t>(end * cols_) * sizeof(float);
  // A hint: without it the kernel takes them when it needs the memory.
  madvise(mapped_, end == rows_ ? mapped_bytes_ : bytes / page * page,
          MADV_DONTNEED);
}

}  // namespace troupe::model
