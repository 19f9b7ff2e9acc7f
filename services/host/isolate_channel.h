// Frames between a host and its child process: a method and bytes one way, a
// status and bytes the other, over a socket pair. Neither side trusts lengths.
//
// Thread safety: functions without state; one thread per socket.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"

namespace troupe {

// The longest body; a message of 64 MiB and an artifact of 1 GiB fit.
inline constexpr uint64_t kMaxFrameBytes = (uint64_t{1} << 30) + (1 << 20);
inline constexpr uint64_t kMaxFrameHeadBytes = 1 << 20;

struct Frame {
  uint32_t code = 0;    // Of the status; 0 in requests.
  std::string head;     // The method, or the status's message.
  std::string details;  // Of the status, as gRPC carries them.
  std::string body;
};

enum class Transfer { kDone, kClosed, kMalformed, kStopped };

// Called before each wait; the longest time to wait in ms, negative: stop.
using Patience = std::function<int()>;

Transfer SendFrame(int socket, const Frame& frame, const Patience& patience);
Transfer ReceiveFrame(int socket, Frame& frame, const Patience& patience);

}  // namespace troupe
