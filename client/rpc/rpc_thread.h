// The RpcThread is one CompletionQueue and the one thread that polls it. All
// unary calls of a process run on it: one queue and one poller is the fastest
// way here, and without the callback API's pauses after an idle time.
//
// Thread safety: all methods may be called from any thread, except that the
// destructor must not run on the polling thread.
#pragma once

#include <cstdint>
#include <thread>

#include "absl/container/flat_hash_set.h"
#include "grpcpp/completion_queue.h"
#include "services/base/mutex.h"

namespace troupe {

class RpcThread {
 public:
  // A call that may be given up.
  class Cancellable {
   public:
    virtual ~Cancellable() = default;
    virtual void Cancel() = 0;
  };

  RpcThread();
  // Cancels the calls that are open, waits until each has ended, stops.
  ~RpcThread();
  RpcThread(const RpcThread&) = delete;
  RpcThread& operator=(const RpcThread&) = delete;

  // Tags on it are RpcEvents (services/host/rpc_event.h), which must live until
  // they have happened.
  grpc::CompletionQueue* queue() { return &queue_; }

  // Registers a call for as long as it may use the queue. Returns false when
  // the thread is stopping: then the call must not begin.
  bool Begin(Cancellable* call);
  void End(Cancellable* call);

 private:
  void Poll();

  grpc::CompletionQueue queue_;
  Mutex mutex_;
  CondVar ended_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<Cancellable*> calls_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace troupe
