#include "services/host/watch_call.h"

#include <utility>

#include "services/base/errors.h"
#include "services/host/grpc_status.h"

namespace troupe {

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
      arrived_([this](bool ok) { OnArrived(ok); }),
      written_([this](bool ok) { OnWritten(ok); }),
      alarmed_([this](bool ok) { OnAlarm(ok); }),
      done_([this](bool) { OnDone(); }),
      finished_([this](bool) { OnEvent(); }) {}

void WatchCall::OnArrived(bool ok) {
  if (!ok) {  // The server stops; no call came, and no event will.
    std::shared_ptr<WatchCall> self;
    MutexLock lock(&mutex_);
    self.swap(self_);
    return;
  }
  if (!shared_->stopping) Await(shared_, service_, method_, begin_);
  if (begin_ == nullptr) return End(UnknownMethod(method_->name));
  shared_->on_watch(weak_from_this());
  const absl::Status begun = (*begin_)(request_, shared_from_this());
  if (!begun.ok()) End(begun);
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
  // Not on the wall clock, which may be set.
  const gpr_timespec when = gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_nanos(absl::ToInt64Nanoseconds(interval_), GPR_TIMESPAN));
  alarm_.Set(shared_->queue, when, &alarmed_);
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
  End(CallerLeft());  // Without effect where the call ended by itself.
  OnEvent();
}

void WatchCall::OnEvent() {
  std::shared_ptr<WatchCall> self;  // Outlives the lock.
  MutexLock lock(&mutex_);
  if (--events_left_ == 0) self.swap(self_);
}

}  // namespace troupe
