#include "services/host/deaf_watch.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "services/base/clock.h"

namespace troupe {
namespace {

// The preface of HTTP/2 and an empty SETTINGS frame (RFC 9113).
constexpr char kGreeting[] =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
constexpr size_t kGreetingBytes = sizeof(kGreeting) - 1;

constexpr absl::Duration kLeast = absl::Milliseconds(1);
constexpr int64_t kMost = 3'600'000;  // One poll; there may be several.

enum class Event { kReady, kLate, kStop };

// Waits until `fd` is ready for `events`.
Event Await(int fd, short events, int stop, absl::Duration until) {
  while (true) {
    const absl::Duration left =
        std::max(until - Clock::Real()->Monotonic(), absl::ZeroDuration());
    pollfd fds[] = {{fd, events, 0}, {stop, POLLIN, 0}};
    const auto timeout = static_cast<int>(
        std::min(absl::ToInt64Milliseconds(absl::Ceil(left, kLeast)), kMost));
    if (poll(fds, 2, timeout) > 0)
      return fds[1].revents != 0 ? Event::kStop : Event::kReady;
    if (left == absl::ZeroDuration()) return Event::kLate;
  }
}

// kLate also where it is refused.
Event Greet(int fd, const sockaddr_storage& address, int stop,
            absl::Duration until) {
  const socklen_t size =
      address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    if (errno != EINPROGRESS) return Event::kLate;
    const Event connected = Await(fd, POLLOUT, stop, until);
    if (connected != Event::kReady) return connected;
  }
  if (send(fd, kGreeting, kGreetingBytes, MSG_NOSIGNAL) !=
      static_cast<ssize_t>(kGreetingBytes))
    return Event::kLate;
  const Event greeted = Await(fd, POLLIN, stop, until);
  char first = 0;
  if (greeted == Event::kReady && recv(fd, &first, 1, 0) != 1)
    return Event::kLate;
  return greeted;
}

}  // namespace

bool Greets(const sockaddr_storage& address, absl::Duration patience,
            int stop) {
  const int fd =
      socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  const Event event =
      Greet(fd, address, stop, Clock::Real()->Monotonic() + patience);
  close(fd);
  return event != Event::kLate;
}

DeafWatch::DeafWatch(DeafWatchOptions options, const sockaddr_storage& address,
                     std::function<bool()> excused,
                     std::function<void()> on_deaf)
    : options_(options),
      address_(address),
      excused_(std::move(excused)),
      on_deaf_(std::move(on_deaf)),
      stop_(eventfd(0, EFD_CLOEXEC)),
      thread_([this] { Run(); }) {}

DeafWatch::~DeafWatch() {
  eventfd_write(stop_, 1);
  thread_.join();
  close(stop_);
}

void DeafWatch::Run() {
  int failures = 0;
  while (Await(-1, 0, stop_, Clock::Real()->Monotonic() + options_.every) !=
         Event::kStop) {
    const bool greeted = Greets(address_, options_.patience, stop_);
    failures = greeted || excused_() ? 0 : failures + 1;
    if (failures < options_.failures) continue;
    on_deaf_();
    failures = 0;
  }
}

}  // namespace troupe
