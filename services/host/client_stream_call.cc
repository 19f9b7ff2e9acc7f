#include "services/host/client_stream_call.h"

#include <utility>

#include "absl/strings/match.h"
#include "services/base/errors.h"
#include "services/host/call_metadata.h"
#include "services/host/grpc_status.h"

namespace troupe {

void ClientStreamCall::Await(const RpcAdapter::Shared* shared,
                             RawService* service, const RawMethod* method) {
  const std::shared_ptr<ClientStreamCall> call(
      new ClientStreamCall(shared, service, method));
  {
    MutexLock lock(&call->mutex_);
    call->self_ = call;
  }
  call->context_.AsyncNotifyWhenDone(&call->done_);
  service->AwaitClientStreaming(*method, &call->context_, &call->reader_,
                                shared->queue, &call->arrived_);
}

ClientStreamCall::ClientStreamCall(const RpcAdapter::Shared* shared,
                                   RawService* service, const RawMethod* method)
    : shared_(shared),
      service_(service),
      method_(method),
      reader_(&context_),
      token_(std::make_shared<CancelToken>()),
      arrived_([this](bool ok) { OnArrived(ok); }),
      read_([this](bool ok) { OnRead(ok); }),
      done_([this](bool) { OnDone(); }),
      finished_([this](bool) { OnEvent(); }) {}

void ClientStreamCall::OnArrived(bool ok) {
  if (!ok) {  // The server stops; no call came, and no event will.
    std::shared_ptr<ClientStreamCall> self;
    MutexLock lock(&mutex_);
    self.swap(self_);
    return;
  }
  if (!shared_->stopping) Await(shared_, service_, method_);
  Submit();
}

void ClientStreamCall::Submit() {
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

absl::StatusOr<std::optional<grpc::ByteBuffer>> ClientStreamCall::Next() {
  MutexLock lock(&mutex_);
  if (ended_ || token_->cancelled()) return CallerLeft();
  reading_ = true;
  ++events_left_;
  reader_.Read(&buffer_, &read_);
  while (reading_ && !ended_)
    if (!changed_.WaitFor(&mutex_, shared_->max_silence))
      return MakeError(absl::StatusCode::kDeadlineExceeded, "STREAM_SILENT",
                       "the caller sent nothing for too long");
  if (reading_ || token_->cancelled()) return CallerLeft();
  if (!read_ok_) return std::nullopt;
  return std::move(buffer_);
}

void ClientStreamCall::OnRead(bool ok) {
  {
    MutexLock lock(&mutex_);
    reading_ = false;
    read_ok_ = ok;
    changed_.NotifyAll();
  }
  OnEvent();
}

void ClientStreamCall::Answer(absl::StatusOr<Reply> reply) {
  if (!reply.ok()) return Finish(reply.status());
  auto* const payload = dynamic_cast<RpcPayload*>(reply->payload.get());
  if (payload == nullptr) return Finish(absl::InternalError("empty reply"));
  Finish(std::move(payload->bytes()));
}

void ClientStreamCall::Finish(const absl::StatusOr<grpc::ByteBuffer>& bytes) {
  {
    MutexLock lock(&mutex_);
    ended_ = true;  // Before gRPC has it: no read may begin after the answer.
    changed_.NotifyAll();
  }
  if (bytes.ok()) {
    reader_.Finish(*bytes, grpc::Status::OK, &finished_);
    return;
  }
  AddPushback(context_, bytes.status());
  reader_.FinishWithError(ToGrpcStatus(bytes.status()), &finished_);
}

void ClientStreamCall::OnDone() {
  if (context_.IsCancelled()) token_->Cancel();
  {
    MutexLock lock(&mutex_);
    ended_ = true;
    changed_.NotifyAll();
  }
  OnEvent();
}

void ClientStreamCall::OnEvent() {
  std::shared_ptr<ClientStreamCall> self;  // Outlives the lock.
  MutexLock lock(&mutex_);
  if (--events_left_ == 0) self.swap(self_);
}

}  // namespace troupe
