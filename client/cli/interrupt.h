// What happens at Ctrl-C: a job that is followed goes on, and the user learns
// how to find it again; half-written files are removed.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "services/base/mutex.h"

namespace troupe {

// What the command is in the middle of. Copies share it.
class Followed {
 public:
  Followed() : state_(std::make_shared<State>()) {}

  // "" when none is followed.
  void SetJob(const std::string& id);
  // A temporary file that must not stay behind.
  void AddFile(const std::string& path);
  void RemoveFile(const std::string& path);

  // Removes the files, and returns what to tell the user; "" when no job is
  // followed.
  std::string Abandon();

 private:
  struct State {
    Mutex mutex;
    std::string job ABSL_GUARDED_BY(mutex);
    std::set<std::string> files ABSL_GUARDED_BY(mutex);
  };
  std::shared_ptr<State> state_;
};

// Ends the process at SIGINT (exit code 130) and SIGTERM (143) after Abandon.
// Call it before any thread exists: it blocks both signals, and a thread of its
// own waits for them.
void ExitAtInterrupt(Followed followed);

}  // namespace troupe
