#include "services/loader/sources/open_beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace troupe::loader {

FileDescriptor OpenBeneath(const FileDescriptor& directory,
                           absl::string_view path, int flags) {
  // An embedded NUL would end the path early for the kernel.
  if (path.find('\0') != absl::string_view::npos) {
    errno = ENOENT;
    return FileDescriptor();
  }
  open_how how = {};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const std::string name(path);
  long fd = -1;
  do {
    fd = syscall(SYS_openat2, directory.get(), name.c_str(), &how, sizeof(how));
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  // Sandboxes answer EPERM to calls they do not know.
  if (fd < 0 && (errno == ENOSYS || errno == EPERM))
    return OpenBeneathStepwise(directory, path, flags);
  return FileDescriptor(static_cast<int>(fd));
}

FileDescriptor OpenBeneathStepwise(const FileDescriptor& directory,
                                   absl::string_view path, int flags) {
  if (absl::StartsWith(path, "/")) {
    errno = EXDEV;
    return FileDescriptor();
  }
  const std::vector<std::string> parts =
      absl::StrSplit(path, '/', absl::SkipEmpty());
  FileDescriptor current(dup(directory.get()));
  for (size_t i = 0; i < parts.size() && current.valid(); ++i) {
    if (parts[i] == "..") {
      errno = EXDEV;
      return FileDescriptor();
    }
    const int how = i + 1 == parts.size() ? flags : O_RDONLY | O_DIRECTORY;
    current = FileDescriptor(
        openat(current.get(), parts[i].c_str(), how | O_NOFOLLOW | O_CLOEXEC));
  }
  return current;
}

}  // namespace troupe::loader
