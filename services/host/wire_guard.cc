#include "services/host/wire_guard.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <utility>

#include "services/base/clock.h"
#include "services/base/log.h"

namespace troupe {
namespace {

// Frames of HTTP/2 (RFC 9113).
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kResetStream = 3;
constexpr uint8_t kContinuation = 9;
constexpr uint8_t kEndHeaders = 4;

// gRPC takes 8 KiB of metadata; what is more is refused there, while it is not
// so much more.
constexpr size_t kMostBlockBytes = 64 << 10;
constexpr size_t kMostBlockFrames = 64;

struct GuardedSocket {
  ino_t inode = 0;
  std::unique_ptr<WireReader> reader;
};

// Entries of sockets that are gone stay until their number comes again.
struct GuardedSockets {
  Mutex mutex;
  std::unordered_map<int, std::shared_ptr<GuardedSocket>> by_fd
      ABSL_GUARDED_BY(mutex);

  std::shared_ptr<GuardedSocket> Find(int fd) {
    std::shared_ptr<GuardedSocket> found;
    {
      MutexLock lock(&mutex);
      const auto place = by_fd.find(fd);
      if (place == by_fd.end()) return nullptr;
      found = place->second;
    }
    // The number may be another socket's by now.
    struct stat now = {};
    const bool same = fstat(fd, &now) == 0 && now.st_ino == found->inode;
    return same ? found : nullptr;
  }
};

GuardedSockets& Sockets() {
  static auto* const sockets = new GuardedSockets;
  return *sockets;
}

}  // namespace

bool ResetBudget::Take(absl::Duration now) {
  MutexLock lock(&mutex_);
  left_ = std::min(left_ + absl::ToDoubleSeconds(now - taken_at_) * kPerSecond,
                   kAtOnce);
  taken_at_ = now;
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

bool WireReader::Read(const uint8_t* bytes, size_t count, absl::Duration now) {
  while (count > 0) {
    if (skip_ > 0) {
      const size_t skipped = std::min(skip_, count);
      skip_ -= skipped;
      bytes += skipped;
      count -= skipped;
      continue;
    }
    header_[header_bytes_++] = *bytes++;
    --count;
    if (header_bytes_ < sizeof(header_)) continue;
    header_bytes_ = 0;
    if (!BeginFrame(now)) return false;
  }
  return true;
}

bool WireReader::BeginFrame(absl::Duration now) {
  skip_ = (size_t{header_[0]} << 16) | (size_t{header_[1]} << 8) | header_[2];
  const uint8_t type = header_[3];
  if (type == kResetStream) return resets_->Take(now);
  if (type != kHeaders && type != kContinuation) return true;
  block_bytes_ += skip_;
  ++block_frames_;
  if (block_bytes_ > kMostBlockBytes || block_frames_ > kMostBlockFrames)
    return false;
  if ((header_[4] & kEndHeaders) != 0) block_bytes_ = block_frames_ = 0;
  return true;
}

void GuardWire(int fd, ino_t inode, std::unique_ptr<WireReader> reader) {
  auto socket = std::make_shared<GuardedSocket>();
  socket->inode = inode;
  socket->reader = std::move(reader);
  MutexLock lock(&Sockets().mutex);
  Sockets().by_fd[fd] = std::move(socket);
}

bool ReadAlong(int fd, const msghdr& message, size_t count) {
  const std::shared_ptr<GuardedSocket> socket = Sockets().Find(fd);
  if (socket == nullptr) return true;
  const absl::Duration now = Clock::Real()->Monotonic();
  for (size_t i = 0; i < message.msg_iovlen && count > 0; ++i) {
    const iovec& part = message.msg_iov[i];
    const size_t here = std::min(count, part.iov_len);
    if (!socket->reader->Read(static_cast<const uint8_t*>(part.iov_base), here,
                              now))
      return false;
    count -= here;
  }
  return true;
}

}  // namespace troupe

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TROUPE_SANITIZED
#endif
#endif
#ifndef TROUPE_SANITIZED
// libgrpc's reads end here: a program's symbol goes before a library's.
extern "C" ssize_t recvmsg(int fd, msghdr* message, int flags) {
  const auto got =
      static_cast<ssize_t>(syscall(SYS_recvmsg, fd, message, flags));
  if (got <= 0 || troupe::ReadAlong(fd, *message, static_cast<size_t>(got)))
    return got;
  troupe::Log(troupe::LogLevel::kWarning,
              "a connection is cut: too many "
              "resets, or headers without end",
              {{"fd", fd}});
  shutdown(fd, SHUT_RDWR);
  errno = ECONNRESET;
  return -1;
}
#endif
#endif
