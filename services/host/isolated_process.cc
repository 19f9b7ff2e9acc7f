#include "services/host/isolated_process.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/base/clock.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/grpc_status.h"
#include "services/host/isolate_channel.h"
#include "services/host/isolate_child.h"

namespace troupe {
namespace {

constexpr absl::Duration kStartLimit = absl::Seconds(30);
constexpr int kLookMs = 20;  // How often cancellation is looked at.

absl::Status CannotStart(absl::string_view why, bool killed = false) {
  return MakeError(
      killed ? absl::StatusCode::kUnavailable : absl::StatusCode::kInternal,
      "ISOLATION_FAILED", absl::StrCat("cannot run a child process: ", why));
}

// Nobody sends these to himself; a crash has others.
bool ComesFromOutside(int signal) {
  return signal == SIGKILL || signal == SIGTERM || signal == SIGINT ||
         signal == SIGHUP || signal == SIGQUIT;
}

std::vector<std::string> OwnCommand() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  if (!text.empty()) text.pop_back();  // Each argument ends with a NUL.
  return absl::StrSplit(text, '\0');
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Only the socket and the standard streams stay open; signals are as in a
// fresh program; a Ctrl-C of the terminal reaches the host alone.
int Spawn(const IsolationLimits& limits, int socket, pid_t* pid) {
  std::vector<std::string> arguments =
      limits.command.empty() ? OwnCommand() : limits.command;
  const std::string path =
      limits.command.empty() ? "/proc/self/exe" : arguments[0];
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry)
    environment.emplace_back(*entry);
  environment.push_back(absl::StrCat(kIsolatedChildVariable, "=",
                                     limits.memory_bytes, ":", getpid()));

  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&files, socket, kIsolatedSocket);
  posix_spawn_file_actions_addclosefrom_np(&files, kIsolatedSocket + 1);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
                                            POSIX_SPAWN_SETSIGDEF |
                                            POSIX_SPAWN_SETPGROUP);
  const int error =
      posix_spawn(pid, path.c_str(), &files, &attributes,
                  Pointers(arguments).data(), Pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

// Until when, and for whom, the child is waited for.
class Deadline {
 public:
  Deadline(absl::Duration limit, const Context& context)
      : until_(Clock::Real()->Monotonic() + limit), context_(context) {}
  bool passed() const { return Clock::Real()->Monotonic() >= until_; }
  int operator()() const {
    return context_.cancelled() || passed() ? -1 : kLookMs;
  }

 private:
  const absl::Duration until_;
  const Context& context_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<IsolatedProcess>> IsolatedProcess::Start(
    const IsolationLimits& limits, const Context& context) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return CannotStart(strerror(errno));
  pid_t pid = -1;
  const int error = Spawn(limits, sockets[1], &pid);
  close(sockets[1]);
  if (error != 0) {
    close(sockets[0]);
    return CannotStart(strerror(error));
  }
  std::unique_ptr<IsolatedProcess> process(
      new IsolatedProcess(pid, sockets[0]));
  Frame ready;
  const Transfer got =
      ReceiveFrame(sockets[0], ready, Deadline(kStartLimit, context));
  if (context.cancelled()) return CallerLeft();
  if (got != Transfer::kDone) {
    const ChildEnd end = process->Reap();
    return CannotStart(end.what, end.killed);
  }
  if (ready.code != 0) return CannotStart(ready.head);
  return process;
}

IsolatedProcess::~IsolatedProcess() {
  if (pid_ > 0) Reap();
  close(socket_);
}

ChildEnd IsolatedProcess::Reap() {
  ChildEnd end;
  if (pid_ <= 0) return {.what = "it is gone"};
  // A child that closed its socket is about to end by itself: how, matters.
  int status = 0;
  pid_t ended = 0;
  for (int tries = 0; ended == 0 && tries < 50; ++tries) {
    ended = waitpid(pid_, &status, WNOHANG);
    pollfd entry{socket_, 0, 0};
    if (ended == 0 && poll(&entry, 1, 0) == 0) break;  // It lives.
    if (ended == 0) poll(nullptr, 0, 10);
  }
  if (ended == 0) {
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  pid_ = -1;
  if (WIFSIGNALED(status)) {
    end.killed = ended > 0 && ComesFromOutside(WTERMSIG(status));
    end.what =
        absl::StrCat("it was ended by SIG", sigabbrev_np(WTERMSIG(status)));
  } else if (WEXITSTATUS(status) == kIsolatedOutOfMemory) {
    end.what = "it ran out of memory";
  } else {
    end.what = absl::StrCat("it exited with ", WEXITSTATUS(status));
  }
  return end;
}

absl::StatusOr<ChildAnswer> IsolatedProcess::Call(absl::string_view method,
                                                  std::string bytes,
                                                  absl::Duration limit,
                                                  const Context& context) {
  Frame frame;
  frame.head = std::string(method);
  frame.body = std::move(bytes);
  const Deadline deadline(limit, context);
  Transfer result = SendFrame(socket_, frame, deadline);
  frame = Frame();
  if (result == Transfer::kDone)
    result = ReceiveFrame(socket_, frame, deadline);
  ChildAnswer answer;
  if (result == Transfer::kDone) {
    if (frame.code == 0)
      answer.reply = std::move(frame.body);
    else
      answer.reply =
          FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(frame.code),
                                      frame.head, frame.details));
    return answer;
  }
  answer.ended = true;
  answer.end = Reap();
  answer.end.timed_out = result == Transfer::kStopped;
  if (context.cancelled()) return CallerLeft();
  if (answer.end.timed_out)
    answer.end.what = absl::StrCat("it ran longer than the limit of ",
                                   absl::FormatDuration(limit));
  if (result == Transfer::kMalformed)
    answer.end.what = "it answered with what is no message";
  return answer;
}

}  // namespace troupe
