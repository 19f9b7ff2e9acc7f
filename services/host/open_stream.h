// An OpenStream is a call that stays open, and that the server ends when it
// stops.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include "absl/status/status.h"

namespace troupe {

class OpenStream {
 public:
  virtual ~OpenStream() = default;

  // Ends the call; without effect when it has ended.
  virtual void End(const absl::Status& status) = 0;
};

}  // namespace troupe
