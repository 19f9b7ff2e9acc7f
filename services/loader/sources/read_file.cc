#include "services/loader/sources/read_file.h"

#include <unistd.h>

#include <cerrno>

namespace troupe::loader {

absl::StatusOr<size_t> ReadFileAt(const FileDescriptor& file, int64_t offset,
                                  char* buffer, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(file.get(), buffer + done, size - done,
                              offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "reading a file");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

}  // namespace troupe::loader
