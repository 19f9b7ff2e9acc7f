#include "services/host/served_call.h"

#include <utility>

#include "services/host/call_metadata.h"
#include "services/host/grpc_status.h"
#include "services/host/rpc_payload.h"

namespace troupe {

void ServedCall::Await(const RpcAdapter::Shared* shared, RawService* service,
                       const RawMethod* method, Beside beside) {
  auto* const call = new ServedCall(shared, service, method, beside);
  call->context_.AsyncNotifyWhenDone(&call->done_);
  service->AwaitUnary(*method, &call->context_, &call->request_,
                      &call->responder_, shared->queue, &call->arrived_);
}

ServedCall::ServedCall(const RpcAdapter::Shared* shared, RawService* service,
                       const RawMethod* method, Beside beside)
    : shared_(shared),
      service_(service),
      method_(method),
      beside_(beside),
      responder_(&context_),
      token_(std::make_shared<CancelToken>()),
      arrived_([this](bool ok) { OnArrived(ok); }),
      done_([this](bool) { OnDone(); }),
      finished_([this](bool) { OnEvent(); }) {}

void ServedCall::OnArrived(bool ok) {
  if (!ok) {  // The server stops; no call came, and no event will.
    delete this;
    return;
  }
  if (!shared_->stopping) Await(shared_, service_, method_, beside_);
  if (beside_.later != nullptr) return Defer();
  if (beside_.at_once == nullptr) return Submit();
  const absl::StatusOr<grpc::ByteBuffer> bytes = (*beside_.at_once)(request_);
  if (!bytes.ok()) return Fail(bytes.status());
  Finish(*bytes);
}

void ServedCall::Submit() {
  absl::StatusOr<CallInfo> info = ReadCallInfo(context_, *shared_->clock);
  if (!info.ok()) return Fail(info.status());
  absl::StatusOr<std::string> lane = shared_->lane_of(method_->name);
  if (lane->empty())
    lane = ReadLane(context_);
  else
    info->work_limit = absl::InfiniteDuration();
  if (!lane.ok()) return Fail(lane.status());
  Message message;
  message.method = method_->name;
  message.bytes = static_cast<int64_t>(request_.Length());
  message.payload = std::make_unique<RpcPayload>(std::move(request_));
  const auto envelope = std::make_shared<Envelope>(
      std::move(message), *std::move(info), token_,
      [this](absl::StatusOr<Reply> reply) { Answer(std::move(reply)); });
  // This call may be answered, and gone, before Submit returns.
  const Poller::Busy busy(shared_->poller);
  shared_->lanes->Submit(*lane, envelope, Submitter::kMayHandle);
}

void ServedCall::Defer() {
  const absl::StatusOr<CallInfo> info = ReadCallInfo(context_, *shared_->clock);
  if (!info.ok()) return Fail(info.status());
  // This call may be answered, and gone, before this returns.
  (*beside_.later)(request_, *info, token_,
                   [this](absl::StatusOr<grpc::ByteBuffer> bytes) {
                     if (!bytes.ok()) return Fail(bytes.status());
                     Finish(*bytes);
                   });
}

void ServedCall::Answer(absl::StatusOr<Reply> reply) {
  if (!reply.ok()) return Fail(reply.status());
  auto* const payload = dynamic_cast<RpcPayload*>(reply->payload.get());
  if (payload == nullptr) return Fail(absl::InternalError("empty reply"));
  Finish(payload->bytes());
}

// The polling thread may delete this object as soon as gRPC has the answer.
void ServedCall::Finish(const grpc::ByteBuffer& bytes) {
  responder_.Finish(bytes, grpc::Status::OK, &finished_);
}

void ServedCall::Fail(const absl::Status& status) {
  AddPushback(context_, status);
  responder_.FinishWithError(ToGrpcStatus(status), &finished_);
}

void ServedCall::OnDone() {
  if (context_.IsCancelled()) token_->Cancel();
  OnEvent();
}

void ServedCall::OnEvent() {
  if (--events_left_ == 0) delete this;
}

}  // namespace troupe
