#include "services/host/watch_call.h"

#include <utility>

#include "services/base/errors.h"
#include "services/host/call_metadata.h"
#include "services/host/grpc_status.h"
#include "services/host/rpc_payload.h"

namespace troupe {
namespace {

// Each takes some ten kilobytes.
constexpr int kMostWatches = 4096;

}  // namespace

void WatchCall::Await(const RpcAdapter::Shared* shared, RawService* service,
                      const RawMethod* method, const WatchMethod* begin) {
  const std::shared_ptr<WatchCall> call(
      new WatchCall(shared, service, method, begin));
  {
    MutexLock lock(&call->mutex_);
    call->self_ = call;
  }
  call->context_.AsyncNotifyWhenDone(&call->done_);
  service->AwaitServerStreaming(*method, &call->context_, &call->request_,
                                &call->writer_, shared->queue, &call->arrived_);
}

WatchCall::WatchCall(const RpcAdapter::Shared* shared, RawService* service,
                     const RawMethod* method, const WatchMethod* begin)
    : shared_(shared),
      service_(service),
      method_(method),
      begin_(begin),
      writer_(&context_),
      token_(std::make_shared<CancelToken>()),
      arrived_([this](bool ok) { OnArrived(ok); }),
      written_([this](bool ok) { OnWritten(ok); }),
      alarmed_([this](bool ok) { OnAlarm(ok); }),
      done_([this](bool) { OnDone(); }),
      finished_([this](bool) { OnEvent(); }) {}

WatchCall::~WatchCall() {
  MutexLock lock(&mutex_);
  if (counted_) --shared_->watches;
}

void WatchCall::OnArrived(bool ok) {
  if (!ok) {  // The server stops; no call came, and no event will.
    std::shared_ptr<WatchCall> self;
    MutexLock lock(&mutex_);
    self.swap(self_);
    return;
  }
  if (!shared_->stopping) Await(shared_, service_, method_, begin_);
  if (shared_->watches.fetch_add(1) >= kMostWatches) {
    --shared_->watches;
    return End(TooManyStreams(kMostWatches));
  }
  {
    MutexLock lock(&mutex_);
    counted_ = true;
  }
  shared_->on_stream(weak_from_this());
  if (begin_ == nullptr) return Submit();
  const absl::Status begun = (*begin_)(request_, shared_from_this());
  if (!begun.ok()) End(begun);
}

void WatchCall::Submit() {
  absl::StatusOr<CallInfo> info = ReadCallInfo(context_, *shared_->clock);
  if (!info.ok()) return End(info.status());
  info->work_limit = absl::InfiniteDuration();
  Message message;
  message.method = method_->name;
  message.bytes = static_cast<int64_t>(request_.Length());
  message.payload =
      std::make_unique<WatchPayload>(std::move(request_), shared_from_this());
  shared_->lanes->Submit(
      shared_->lane_of(method_->name),
      std::make_shared<Envelope>(
          std::move(message), *std::move(info), token_,
          [self = shared_from_this()](const absl::StatusOr<Reply>& reply) {
            if (!reply.ok()) self->End(reply.status());
          }));
}

void WatchCall::Send(grpc::ByteBuffer message) {
  MutexLock lock(&mutex_);
  if (end_.has_value()) return;
  waiting_ = std::move(message);
  Proceed();
}

void WatchCall::SendEvery(absl::Duration interval,
                          std::function<grpc::ByteBuffer()> make) {
  Send(make());
  MutexLock lock(&mutex_);
  interval_ = interval;
  make_ = std::move(make);
  if (!end_.has_value()) SetAlarm();
}

void WatchCall::End(const absl::Status& status) {
  MutexLock lock(&mutex_);
  if (end_.has_value()) return;
  end_ = status;
  if (alarm_set_) alarm_.Cancel();
  Proceed();
}

bool WatchCall::ended() const {
  MutexLock lock(&mutex_);
  return end_.has_value();
}

void WatchCall::SetAlarm() {
  alarm_set_ = true;
  ++events_left_;
  SetAlarmIn(interval_, shared_->queue, &alarm_, &alarmed_);
}

void WatchCall::OnAlarm(bool ok) {
  std::function<grpc::ByteBuffer()> make;
  {
    MutexLock lock(&mutex_);
    alarm_set_ = false;
    if (ok && !end_.has_value()) {
      make = make_;
      SetAlarm();
    }
  }
  if (make) Send(make());
  OnEvent();
}

void WatchCall::Proceed() {
  if (writing_ || finishing_) return;
  if (waiting_.has_value()) {
    writing_ = true;
    ++events_left_;
    const grpc::ByteBuffer message = *std::exchange(waiting_, std::nullopt);
    writer_.Write(message, &written_);
  } else if (end_.has_value()) {
    finishing_ = true;
    AddPushback(context_, *end_);
    writer_.Finish(ToGrpcStatus(*end_), &finished_);
  }
}

void WatchCall::OnWritten(bool ok) {
  {
    MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) waiting_.reset();
    Proceed();
  }
  OnEvent();
}

void WatchCall::OnDone() {
  if (context_.IsCancelled()) token_->Cancel();
  End(CallerLeft());  // Without effect where the call ended by itself.
  OnEvent();
}

void WatchCall::OnEvent() {
  std::shared_ptr<WatchCall> self;  // Outlives the lock.
  MutexLock lock(&mutex_);
  if (--events_left_ == 0) self.swap(self_);
}

}  // namespace troupe
