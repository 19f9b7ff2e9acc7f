#include "client/rpc/rpc_thread.h"

#include "services/host/rpc_event.h"

namespace troupe {

RpcThread::RpcThread() : thread_([this] { Poll(); }) {}

RpcThread::~RpcThread() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    // A registered call is alive: it must take the lock to end.
    for (Cancellable* const call : calls_) call->Cancel();
    while (!calls_.empty()) ended_.Wait(&mutex_);
  }
  queue_.Shutdown();
  thread_.join();
}

bool RpcThread::Begin(Cancellable* call) {
  MutexLock lock(&mutex_);
  if (stopping_) return false;
  calls_.insert(call);
  return true;
}

void RpcThread::End(Cancellable* call) {
  MutexLock lock(&mutex_);
  calls_.erase(call);
  // With the lock held: once it is released, this object may go.
  if (stopping_ && calls_.empty()) ended_.NotifyAll();
}

void RpcThread::Poll() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) static_cast<RpcEvent*>(tag)->Happen(ok);
}

}  // namespace troupe
