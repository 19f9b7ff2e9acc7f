// The RpcAdapter turns calls into envelopes and back: one CompletionQueue and
// one polling thread, which enqueues and completes. Requests are parsed, and
// replies written, on the actor's threads; quick ones for an idle lane on the
// polling thread (services/host/poller.h).
//
// What must work beside the mailbox (Stop, GetStats, health) is answered on the
// polling thread itself; such answers must not block.
//
// Thread safety: Add* and RegisterAt before Start; all of these, Start, and
// Stop and Shutdown from one thread. Relieve from another one, after
// RegisterAt.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "grpcpp/server_builder.h"
#include "services/actor/context.h"
#include "services/actor/lane_set.h"
#include "services/base/clock.h"
#include "services/base/mutex.h"
#include "services/host/file_transfer.h"
#include "services/host/open_stream.h"
#include "services/host/poller.h"
#include "services/host/raw_service.h"
#include "services/host/watch.h"

namespace troupe {

// Answers one unary call on the polling thread.
using InlineMethod =
    std::function<absl::StatusOr<grpc::ByteBuffer>(grpc::ByteBuffer& request)>;

// How a deferred call is answered: once, from any thread.
using Answer = std::function<void(absl::StatusOr<grpc::ByteBuffer>)>;

// Takes one unary call on the polling thread, and answers it later. Must not
// block. `caller` is cancelled when nobody wants the answer any more.
using DeferredMethod =
    std::function<void(grpc::ByteBuffer& request, const CallInfo& info,
                       std::shared_ptr<CancelToken> caller, Answer answer)>;

// Begins one server-streaming call on the polling thread; an error ends it.
using WatchMethod = std::function<absl::Status(grpc::ByteBuffer& request,
                                               std::shared_ptr<Watch> watch)>;

class RpcAdapter {
 public:
  // What the calls need of the adapter.
  struct Shared {
    LaneSet* lanes = nullptr;
    const Clock* clock = nullptr;
    // A stream whose caller is silent, or takes nothing, for longer is given
    // up.
    absl::Duration max_silence;
    grpc::ServerCompletionQueue* queue = nullptr;
    Poller* poller = nullptr;
    std::function<void(std::weak_ptr<OpenStream>)> on_stream;
    // The lane of a method; empty: that of the caller's metadata.
    std::function<std::string(const std::string& method)> lane_of;
    mutable std::atomic<int> watches{0};    // Open ones.
    mutable std::atomic<int> transfers{0};  // Likewise.
    std::atomic<bool> stopping{false};      // No further calls are awaited.
  };

  // `lanes` and `clock` must live as long as this object.
  RpcAdapter(LaneSet* lanes, const Clock* clock, absl::Duration max_silence);
  ~RpcAdapter();

  // Serves a proto service. Its methods become messages to the lanes, those
  // that were given with AddInline, AddDeferred and AddWatch before excepted;
  // those given with AddTransfer become one for each piece. NOT_FOUND when no
  // such proto is linked in.
  absl::Status AddService(absl::string_view full_name);
  void AddInline(absl::string_view method, InlineMethod answer);
  // What it took must be answered before Shutdown.
  void AddDeferred(absl::string_view method, DeferredMethod take);
  void AddWatch(absl::string_view method, WatchMethod begin);
  void AddTransfer(absl::string_view method, TransferMethod begin);
  // In place of the lanes that callers name. A process that has lanes of its
  // own also sets its own limits to what a message may take.
  void ChooseLanes(std::function<std::string(const std::string& method)> of);

  void RegisterAt(grpc::ServerBuilder& builder);

  // Takes calls. The server must have been started.
  void Start();

  // Awaits no further calls, and ends all open server streams with `status`.
  // Comes before the server is shut down.
  void Stop(const absl::Status& status);

  // Lets another thread poll when a message keeps the one that does.
  void Relieve();

  // Ends the polling. The server must have been shut down, and every envelope
  // answered; a handler that goes on all the same is not waited for.
  void Shutdown();

 private:
  void AwaitCalls(RawService* service);

  Shared shared_;
  std::vector<std::unique_ptr<RawService>> services_;
  std::map<std::string, InlineMethod, std::less<>> inline_methods_;
  std::map<std::string, DeferredMethod, std::less<>> deferred_methods_;
  std::map<std::string, WatchMethod, std::less<>> watch_methods_;
  std::map<std::string, TransferMethod, std::less<>> transfer_methods_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<Poller> poller_;  // Waits for handlers when it goes.

  Mutex mutex_;
  std::vector<std::weak_ptr<OpenStream>> streams_ ABSL_GUARDED_BY(mutex_);
  // Looked through for those that are gone at twice what was left.
  size_t streams_due_ ABSL_GUARDED_BY(mutex_) = 16;
};

}  // namespace troupe
