#include "services/host/stream_call.h"

#include <utility>

#include "absl/strings/match.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/call_metadata.h"
#include "services/host/grpc_status.h"

namespace troupe {

void StreamCall::Await(const RpcAdapter::Shared* shared, RawService* service,
                       const RawMethod* method) {
  const std::shared_ptr<StreamCall> call(
      new StreamCall(shared, service, method));
  {
    MutexLock lock(&call->mutex_);
    call->self_ = call;
  }
  call->context_.AsyncNotifyWhenDone(&call->done_);
  service->AwaitStream(*method, &call->context_, &call->stream_, shared->queue,
                       &call->arrived_);
}

StreamCall::StreamCall(const RpcAdapter::Shared* shared, RawService* service,
                       const RawMethod* method)
    : shared_(shared),
      service_(service),
      method_(method),
      stream_(&context_),
      token_(std::make_shared<CancelToken>()),
      arrived_([this](bool ok) { OnArrived(ok); }),
      read_([this](bool ok) { OnRead(ok); }),
      written_([this](bool ok) { OnWritten(ok); }),
      done_([this](bool) { OnDone(); }),
      finished_([this](bool) { OnEvent(); }) {}

void StreamCall::OnArrived(bool ok) {
  if (!ok) {  // The server stops; no call came, and no event will.
    std::shared_ptr<StreamCall> self;
    MutexLock lock(&mutex_);
    self.swap(self_);
    return;
  }
  if (!shared_->stopping) Await(shared_, service_, method_);
  Submit();
}

void StreamCall::Submit() {
  absl::StatusOr<CallInfo> info = ReadCallInfo(context_, *shared_->clock);
  if (!info.ok()) return Finish(info.status());
  Message message;
  message.method = method_->name;
  message.payload = std::make_unique<StreamPayload>(shared_from_this());
  const absl::string_view lane =
      absl::EndsWith(method_->name, "/Fit") ? "fit" : "artifacts";
  shared_->lanes->Submit(
      lane, std::make_shared<Envelope>(
                std::move(message), *std::move(info), token_,
                [self = shared_from_this()](absl::StatusOr<Reply> reply) {
                  self->Answer(std::move(reply));
                }));
}

absl::StatusOr<std::optional<grpc::ByteBuffer>> StreamCall::Next() {
  MutexLock lock(&mutex_);
  if (ended_ || token_->cancelled()) return CallerLeft();
  reading_ = true;
  ++events_left_;
  stream_.Read(&buffer_, &read_);
  while (reading_ && !ended_)
    if (!changed_.WaitFor(&mutex_, shared_->max_silence)) return StreamSilent();
  if (reading_ || token_->cancelled()) return CallerLeft();
  if (!read_ok_) return std::nullopt;
  return std::move(buffer_);
}

absl::Status StreamCall::Write(const grpc::ByteBuffer& message) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(AwaitWritten());  // What was offered before.
  BeginWrite(message);
  RETURN_IF_ERROR(AwaitWritten());
  return write_ok_ ? absl::OkStatus() : CallerLeft();
}

void StreamCall::Offer(const grpc::ByteBuffer& message) {
  MutexLock lock(&mutex_);
  if (!writing_ && !ended_ && !token_->cancelled()) BeginWrite(message);
}

void StreamCall::BeginWrite(const grpc::ByteBuffer& message) {
  writing_ = true;
  ++events_left_;
  stream_.Write(message, &written_);
}

absl::Status StreamCall::AwaitWritten() {
  while (writing_ && !ended_)
    if (!changed_.WaitFor(&mutex_, shared_->max_silence)) {
      // The answer has to wait for this write, which nothing else ends.
      context_.TryCancel();
      return StreamSilent();
    }
  if (ended_ || token_->cancelled()) return CallerLeft();
  return absl::OkStatus();
}

void StreamCall::OnWritten(bool ok) {
  {
    MutexLock lock(&mutex_);
    writing_ = false;
    write_ok_ = ok;
    changed_.NotifyAll();
    if (answer_.has_value()) SendAnswer();
  }
  OnEvent();
}

void StreamCall::OnRead(bool ok) {
  {
    MutexLock lock(&mutex_);
    reading_ = false;
    read_ok_ = ok;
    changed_.NotifyAll();
  }
  OnEvent();
}

void StreamCall::Answer(absl::StatusOr<Reply> reply) {
  if (!reply.ok()) return Finish(reply.status());
  auto* const payload = dynamic_cast<RpcPayload*>(reply->payload.get());
  if (payload == nullptr) return Finish(absl::InternalError("empty reply"));
  Finish(std::move(payload->bytes()));
}

void StreamCall::Finish(absl::StatusOr<grpc::ByteBuffer> bytes) {
  MutexLock lock(&mutex_);
  ended_ = true;  // Nothing may begin after the answer.
  changed_.NotifyAll();
  answer_ = std::move(bytes);
  if (!writing_) SendAnswer();
}

void StreamCall::SendAnswer() {
  const absl::StatusOr<grpc::ByteBuffer> answer = *std::move(answer_);
  answer_.reset();
  if (answer.ok()) {
    stream_.WriteAndFinish(*answer, grpc::WriteOptions(), grpc::Status::OK,
                           &finished_);
    return;
  }
  AddPushback(context_, answer.status());
  stream_.Finish(ToGrpcStatus(answer.status()), &finished_);
}

void StreamCall::OnDone() {
  if (context_.IsCancelled()) token_->Cancel();
  {
    MutexLock lock(&mutex_);
    ended_ = true;
    changed_.NotifyAll();
  }
  OnEvent();
}

void StreamCall::OnEvent() {
  std::shared_ptr<StreamCall> self;  // Outlives the lock.
  MutexLock lock(&mutex_);
  if (--events_left_ == 0) self.swap(self_);
}

}  // namespace troupe
