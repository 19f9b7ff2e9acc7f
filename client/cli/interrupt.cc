#include "client/cli/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"

namespace troupe {

void Followed::SetJob(const std::string& id) {
  MutexLock lock(&state_->mutex);
  state_->job = id;
}

void Followed::AddFile(const std::string& path) {
  MutexLock lock(&state_->mutex);
  state_->files.insert(path);
}

void Followed::RemoveFile(const std::string& path) {
  MutexLock lock(&state_->mutex);
  state_->files.erase(path);
}

std::string Followed::Abandon() {
  MutexLock lock(&state_->mutex);
  for (const std::string& path : state_->files) unlink(path.c_str());
  state_->files.clear();
  if (state_->job.empty()) return "";
  return absl::StrCat("job ", state_->job, " goes on\n  troupe watch ",
                      state_->job, "     shows it again\n  troupe cancel ",
                      state_->job, "    stops it\n");
}

void ExitAtInterrupt(Followed followed) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([followed, signals]() mutable {
    int signal = 0;
    sigwait(&signals, &signal);
    const std::string text = followed.Abandon();
    if (!text.empty()) std::cerr << "\n" << text << std::flush;
    std::_Exit(128 + signal);
  }).detach();
}

}  // namespace troupe
