#include "services/host/rpc_adapter.h"

#include <algorithm>
#include <utility>

#include "services/base/status_macros.h"
#include "services/host/served_call.h"
#include "services/host/stream_call.h"
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

RpcAdapter::RpcAdapter(LaneSet* lanes, const Clock* clock) {
  shared_.lanes = lanes;
  shared_.clock = clock;
  shared_.on_watch = [this](std::weak_ptr<Watch> watch) {
    MutexLock lock(&mutex_);
    watches_.erase(
        std::remove_if(watches_.begin(), watches_.end(),
                       [](const auto& old) { return old.expired(); }),
        watches_.end());
    watches_.push_back(std::move(watch));
  };
}

RpcAdapter::~RpcAdapter() { Shutdown(); }

absl::Status RpcAdapter::AddService(absl::string_view full_name) {
  ASSIGN_OR_RETURN(std::unique_ptr<RawService> service,
                   RawService::Make(full_name));
  services_.push_back(std::move(service));
  return absl::OkStatus();
}

void RpcAdapter::AddInline(absl::string_view method, InlineMethod answer) {
  inline_methods_.emplace(method, std::move(answer));
}

void RpcAdapter::AddWatch(absl::string_view method, WatchMethod begin) {
  watch_methods_.emplace(method, std::move(begin));
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
                            Find(inline_methods_, method.name));
        break;
      case MethodKind::kStream:
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
  std::vector<std::weak_ptr<Watch>> watches;
  {
    MutexLock lock(&mutex_);
    watches.swap(watches_);
  }
  for (const auto& weak : watches)
    if (const auto watch = weak.lock(); watch != nullptr) watch->End(status);
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
