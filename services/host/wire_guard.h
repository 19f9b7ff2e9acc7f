// The WireGuard reads along what peers send to our server, frame by frame, and
// cuts the connection of one who abuses what gRPC 1.51 does not bound:
//
// * a block of headers without end (HEADERS, then CONTINUATION for ever), which
//   gRPC keeps until it is complete: a gigabyte sent was a gigabyte kept;
// * streams that are begun and reset by the ten thousand: each is a call to
// gRPC,
//   and while more arrive nobody gets to end them.
//
// It takes the place of recvmsg in the program, which gRPC reads with: nothing
// else of ours sees the bytes. So it is for connections in clear; TLS would
// have to end before it. In a program built with a sanitizer, which has a
// recvmsg of its own, it sees nothing.
//
// Thread safety: all functions may be called from any thread; the bytes of one
// connection are read by one thread at a time.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "services/base/mutex.h"

namespace troupe {

// How many streams one address may reset: so many at once, and so many a
// second.
class ResetBudget {
 public:
  static constexpr double kAtOnce = 2'000;
  static constexpr double kPerSecond = 1'000;

  // Takes one, at monotonic time `now`. Returns whether there was one.
  bool Take(absl::Duration now);

 private:
  Mutex mutex_;
  double left_ ABSL_GUARDED_BY(mutex_) = kAtOnce;
  absl::Duration taken_at_ ABSL_GUARDED_BY(mutex_);
};

// One connection's frames, as far as they were read.
class WireReader {
 public:
  explicit WireReader(std::shared_ptr<ResetBudget> resets)
      : resets_(std::move(resets)) {}

  // Reads on. Returns false once the peer has gone too far.
  bool Read(const uint8_t* bytes, size_t count, absl::Duration now);

 private:
  bool BeginFrame(absl::Duration now);

  const std::shared_ptr<ResetBudget> resets_;
  size_t skip_ = 24;  // Of the preface, then of the frame under way.
  size_t header_bytes_ = 0;
  uint8_t header_[9] = {};
  size_t block_bytes_ = 0;  // Of the headers under way.
  size_t block_frames_ = 0;
};

// Returns whether the peer that sent these bytes, `count` of them, to `fd` may
// go on.
bool ReadAlong(int fd, const msghdr& message, size_t count);

// From now on what is read from `fd`, while it is the socket `inode`, goes
// through `reader`, and the connection is shut down when that says so.
void GuardWire(int fd, ino_t inode, std::unique_ptr<WireReader> reader);

}  // namespace troupe
