#include "services/host/isolate_channel.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

namespace troupe {
namespace {

struct Lengths {
  uint64_t code;
  uint64_t head;
  uint64_t details;
  uint64_t body;
};

// A length that is a lie must not cost its memory: buffers grow as bytes come.
constexpr uint64_t kStep = 1 << 20;

// Waits until the socket is ready for `events`, a piece of the time at once.
bool AwaitReady(int socket, int16_t events, const Patience& patience) {
  while (true) {
    const int wait = patience();
    if (wait < 0) return false;
    pollfd entry{socket, events, 0};
    if (poll(&entry, 1, wait) > 0) return true;
  }
}

Transfer Send(int socket, absl::string_view bytes, const Patience& patience) {
  while (!bytes.empty()) {
    if (!AwaitReady(socket, POLLOUT, patience)) return Transfer::kStopped;
    const ssize_t sent =
        send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return Transfer::kClosed;
  }
  return Transfer::kDone;
}

Transfer Receive(int socket, char* to, size_t size, const Patience& patience) {
  while (size > 0) {
    if (!AwaitReady(socket, POLLIN, patience)) return Transfer::kStopped;
    const ssize_t got = recv(socket, to, size, MSG_DONTWAIT);
    if (got == 0) return Transfer::kClosed;
    if (got < 0 && errno != EAGAIN && errno != EINTR) return Transfer::kClosed;
    if (got < 0) continue;
    to += got;
    size -= static_cast<size_t>(got);
  }
  return Transfer::kDone;
}

Transfer ReceiveText(int socket, std::string& text, uint64_t size,
                     const Patience& patience) {
  text.clear();
  while (text.size() < size) {
    const size_t have = text.size();
    const auto more = static_cast<size_t>(
        std::min<uint64_t>(std::max<uint64_t>(kStep, have), size - have));
    text.resize(have + more);
    const Transfer result = Receive(socket, &text[have], more, patience);
    if (result != Transfer::kDone) return result;
  }
  return Transfer::kDone;
}

}  // namespace

Transfer SendFrame(int socket, const Frame& frame, const Patience& patience) {
  const Lengths lengths{frame.code, frame.head.size(), frame.details.size(),
                        frame.body.size()};
  for (const absl::string_view part :
       {absl::string_view(reinterpret_cast<const char*>(&lengths),
                          sizeof(lengths)),
        absl::string_view(frame.head), absl::string_view(frame.details),
        absl::string_view(frame.body)})
    if (const Transfer sent = Send(socket, part, patience);
        sent != Transfer::kDone)
      return sent;
  return Transfer::kDone;
}

Transfer ReceiveFrame(int socket, Frame& frame, const Patience& patience) {
  Lengths lengths{};
  Transfer got = Receive(socket, reinterpret_cast<char*>(&lengths),
                         sizeof(lengths), patience);
  if (got != Transfer::kDone) return got;
  if (lengths.code > 16 || lengths.head > kMaxFrameHeadBytes ||
      lengths.details > kMaxFrameHeadBytes || lengths.body > kMaxFrameBytes)
    return Transfer::kMalformed;
  frame.code = static_cast<uint32_t>(lengths.code);
  got = ReceiveText(socket, frame.head, lengths.head, patience);
  if (got == Transfer::kDone)
    got = ReceiveText(socket, frame.details, lengths.details, patience);
  if (got == Transfer::kDone)
    got = ReceiveText(socket, frame.body, lengths.body, patience);
  return got;
}

}  // namespace troupe
