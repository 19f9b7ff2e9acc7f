// An IsolatedProcess is a child of this process that runs the same actor, so
// that what kills it harms nobody else. It is killed when this object goes, and
// when this process dies.
//
// Thread safety: one thread, which must live as long as the child: the kernel
// ties the child's life to the thread that started it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/actor/context.h"

namespace troupe {

struct IsolationLimits {
  std::vector<std::string> command;  // Empty: this program with its flags.
  int64_t memory_bytes = int64_t{4} << 30;
  absl::Duration time = absl::Seconds(60);
  int64_t artifact_bytes = int64_t{1} << 30;  // Kept for children, in all.
};

// How the child ended in a call.
struct ChildEnd {
  bool timed_out = false;
  bool killed = false;  // By a signal that somebody else sends.
  std::string what;     // "it was ended by SIGSEGV".
};

struct ChildAnswer {
  absl::StatusOr<std::string> reply = "";  // Unless it ended.
  bool ended = false;
  ChildEnd end;
};

class IsolatedProcess {
 public:
  // Starts it and waits until it is ready. UNAVAILABLE (ISOLATION_FAILED) when
  // somebody killed it before; INTERNAL when it cannot be.
  static absl::StatusOr<std::unique_ptr<IsolatedProcess>> Start(
      const IsolationLimits& limits, const Context& context);
  ~IsolatedProcess();
  IsolatedProcess(const IsolatedProcess&) = delete;

  // Lets the child handle one message. CANCELLED when nobody waits any more,
  // after which, as after an end, the child is gone.
  absl::StatusOr<ChildAnswer> Call(absl::string_view method, std::string bytes,
                                   absl::Duration limit,
                                   const Context& context);

  pid_t pid() const { return pid_; }

 private:
  IsolatedProcess(pid_t pid, int socket) : pid_(pid), socket_(socket) {}
  // Kills it where it still lives, and says how it ended.
  ChildEnd Reap();

  pid_t pid_;
  int socket_;
};

}  // namespace troupe
