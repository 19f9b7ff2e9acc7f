// The Poller takes the events of a server's queue, on one thread at a time.
//
// That thread may handle a quick message itself (Busy), which saves two
// wake-ups of a thread. If the message turns out not to be quick, Relieve lets
// another thread poll on; the first one ends with its message.
//
// Thread safety: Start, AwaitEnd and the destructor from one thread; Relieve
// from another one, at any time.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <thread>

#include "absl/time/time.h"
#include "grpcpp/completion_queue.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"

namespace troupe {

class Poller {
 public:
  // While it lives, the polling thread that made it may be relieved. Nothing
  // that belongs to the polling thread may be touched then, besides the one
  // call that it handles.
  class Busy {
   public:
    explicit Busy(Poller* poller);
    ~Busy();
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    Poller* const poller_;
    int64_t turn_ = 0;
  };

  // Tags on the queue are RpcEvents. `clock` and `queue` must live until the
  // queue has ended; `clock` longer.
  Poller(grpc::CompletionQueue* queue, const Clock* clock);
  // Waits for all threads, also those that were relieved.
  ~Poller();

  void Start();

  // Lets a new thread poll when the one that does has been Busy for long.
  void Relieve();

  // Waits until the queue, which must have been shut down, has no more events.
  // Takes them itself when Start was never called. Does not wait for threads
  // that were relieved.
  void AwaitEnd();

 private:
  // A thread, and whether it has ended but for its return.
  struct Turn {
    std::thread thread;
    bool over = false;
  };

  void StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void JoinOver() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run(int64_t turn, Turn* own);
  // Handles events. Returns whether the queue has ended; otherwise it is no
  // longer this thread's turn.
  bool Poll(int64_t turn);
  bool IsTurn(int64_t turn);

  grpc::CompletionQueue* const queue_;
  const Clock* const clock_;

  Mutex mutex_;  // Guards everything below.
  CondVar ended_changed_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t turn_ ABSL_GUARDED_BY(mutex_) = 0;  // Counts the threads.
  std::optional<absl::Duration> busy_since_ ABSL_GUARDED_BY(mutex_);
  std::list<Turn> turns_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
