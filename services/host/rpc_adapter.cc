#include "services/host/rpc_adapter.h"

#include <algorithm>
#include <utility>

#include "services/base/status_macros.h"
#include "services/host/served_call.h"
#include "services/host/stream_call.h"
#include "services/host/transfer_call.h"
#include "services/host/watch_call.h"

namespace troupe {
namespace {

// So many calls of a method may arrive at once before gRPC has to queue them
// itself until the polling thread has asked for more.
constexpr int kAwaitedCalls = 8;

template <typename Method>
const Method* Find(const std::map<std::string, Method, std::less<>>& methods,
                   const std::string& name) {
  const auto found = methods.find(name);
  return found == methods.end() ? nullptr : &found->second;
}

}  // namespace

RpcAdapter::RpcAdapter(LaneSet* lanes, const Clock* clock,
                       absl::Duration max_silence) {
  shared_.max_silence = max_silence;
  shared_.lanes = lanes;
  shared_.clock = clock;
  shared_.lane_of = [](const std::string&) { return ""; };
  shared_.on_stream = [this](std::weak_ptr<OpenStream> stream) {
    MutexLock lock(&mutex_);
    if (streams_.size() >= streams_due_) {
      streams_.erase(
          std::remove_if(streams_.begin(), streams_.end(),
                         [](const auto& old) { return old.expired(); }),
          streams_.end());
      streams_due_ = std::max<size_t>(2 * streams_.size(), 16);
    }
    streams_.push_back(std::move(stream));
  };
}

RpcAdapter::~RpcAdapter() { Shutdown(); }

absl::Status RpcAdapter::AddService(absl::string_view full_name) {
  ASSIGN_OR_RETURN(
      std::unique_ptr<RawService> service,
      RawService::Make(full_name, [this](const std::string& method) {
        return transfer_methods_.contains(method);
      }));
  services_.push_back(std::move(service));
  return absl::OkStatus();
}

void RpcAdapter::AddInline(absl::string_view method, InlineMethod answer) {
  inline_methods_.emplace(method, std::move(answer));
}

void RpcAdapter::AddDeferred(absl::string_view method, DeferredMethod take) {
  deferred_methods_.emplace(method, std::move(take));
}

void RpcAdapter::AddWatch(absl::string_view method, WatchMethod begin) {
  watch_methods_.emplace(method, std::move(begin));
}

void RpcAdapter::AddTransfer(absl::string_view method, TransferMethod begin) {
  transfer_methods_.emplace(method, std::move(begin));
}

void RpcAdapter::ChooseLanes(
    std::function<std::string(const std::string& method)> of) {
  shared_.lane_of = std::move(of);
}

void RpcAdapter::RegisterAt(grpc::ServerBuilder& builder) {
  for (const auto& service : services_) builder.RegisterService(service.get());
  queue_ = builder.AddCompletionQueue();
  shared_.queue = queue_.get();
  poller_ = std::make_unique<Poller>(queue_.get(), shared_.clock);
  shared_.poller = poller_.get();
}

void RpcAdapter::Start() {
  for (const auto& service : services_) AwaitCalls(service.get());
  poller_->Start();
}

void RpcAdapter::AwaitCalls(RawService* service) {
  for (const RawMethod& method : service->methods()) {
    switch (method.kind) {
      case MethodKind::kUnary:
        for (int i = 0; i < kAwaitedCalls; ++i)
          ServedCall::Await(&shared_, service, &method,
                            {Find(inline_methods_, method.name),
                             Find(deferred_methods_, method.name)});
        break;
      case MethodKind::kStream:
        if (const auto* begin = Find(transfer_methods_, method.name))
          TransferCall::Await(&shared_, service, &method, begin);
        else
          StreamCall::Await(&shared_, service, &method);
        break;
      case MethodKind::kServerStreaming:
        WatchCall::Await(&shared_, service, &method,
                         Find(watch_methods_, method.name));
        break;
    }
  }
}

void RpcAdapter::Stop(const absl::Status& status) {
  shared_.stopping = true;
  std::vector<std::weak_ptr<OpenStream>> streams;
  {
    MutexLock lock(&mutex_);
    streams.swap(streams_);
  }
  for (const auto& weak : streams)
    if (const auto stream = weak.lock(); stream != nullptr) stream->End(status);
}

void RpcAdapter::Relieve() {
  if (poller_ != nullptr) poller_->Relieve();
}

void RpcAdapter::Shutdown() {
  if (queue_ == nullptr) return;
  queue_->Shutdown();
  poller_->AwaitEnd();
  queue_.reset();
}

}  // namespace troupe
