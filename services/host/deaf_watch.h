// A DeafWatch calls its own process as a stranger would, over a fresh
// connection: one that greets and is not greeted back, again and again, is a
// sign that the process answers nobody any more, whatever it thinks of itself.
//
// Thread safety: made and destroyed by one thread; `excused` and `on_deaf` are
// called from its own.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <thread>

#include "absl/time/time.h"

namespace troupe {

struct DeafWatchOptions {
  absl::Duration every = absl::Seconds(15);
  absl::Duration patience = absl::Seconds(10);  // For one greeting.
  int failures = 3;                             // In a row.
};

// Whether a server of HTTP/2 at `address` greets within `patience`. True as
// well when this process has no descriptor left to ask with, or `stop`, where
// it is one, becomes readable meanwhile.
bool Greets(const sockaddr_storage& address, absl::Duration patience,
            int stop = -1);

class DeafWatch {
 public:
  // While `excused`, nothing counts: the process refuses on purpose.
  DeafWatch(DeafWatchOptions options, const sockaddr_storage& address,
            std::function<bool()> excused, std::function<void()> on_deaf);
  ~DeafWatch();

 private:
  void Run();

  const DeafWatchOptions options_;
  const sockaddr_storage address_;
  const std::function<bool()> excused_;
  const std::function<void()> on_deaf_;
  const int stop_;  // Readable at the end.
  std::thread thread_;
};

}  // namespace troupe
