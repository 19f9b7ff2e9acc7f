#include "services/host/transfer_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/host/call_metadata.h"
#include "services/host/grpc_status.h"
#include "services/host/rpc_payload.h"

namespace troupe {
namespace {

// Each has a piece in memory, and a file on the disk.
constexpr int kMostTransfers = 128;
constexpr int64_t kMostPieceBytes = int64_t{8} << 20;
constexpr int64_t kLeastBytes = int64_t{64} << 10;

}  // namespace

void TransferCall::Await(const RpcAdapter::Shared* shared, RawService* service,
                         const RawMethod* method, const TransferMethod* begin) {
  const std::shared_ptr<TransferCall> call(
      new TransferCall(shared, service, method, begin));
  {
    MutexLock lock(&call->mutex_);
    call->self_ = call;
  }
  call->context_.AsyncNotifyWhenDone(&call->done_);
  service->AwaitStream(*method, &call->context_, &call->stream_, shared->queue,
                       &call->arrived_);
}

TransferCall::TransferCall(const RpcAdapter::Shared* shared,
                           RawService* service, const RawMethod* method,
                           const TransferMethod* begin)
    : shared_(shared),
      service_(service),
      method_(method),
      begin_(begin),
      stream_(&context_),
      token_(std::make_shared<CancelToken>()),
      arrived_([this](bool ok) { OnArrived(ok); }),
      read_([this](bool ok) { OnRead(ok); }),
      written_([this](bool ok) { OnWritten(ok); }),
      alarmed_([this](bool ok) { OnAlarm(ok); }),
      done_([this](bool) { OnDone(); }),
      finished_([this](bool) { OnEvent(); }) {}

TransferCall::~TransferCall() {
  MutexLock lock(&mutex_);
  if (counted_) --shared_->transfers;
}

void TransferCall::OnArrived(bool ok) {
  if (!ok) {  // The server stops; no call came, and no event will.
    std::shared_ptr<TransferCall> self;
    MutexLock lock(&mutex_);
    self.swap(self_);
    return;
  }
  if (!shared_->stopping) Await(shared_, service_, method_, begin_);
  absl::StatusOr<CallInfo> info = ReadCallInfo(context_, *shared_->clock);
  if (!info.ok()) return End(info.status());
  info_ = *std::move(info);
  info_.work_limit = absl::InfiniteDuration();
  if (shared_->transfers.fetch_add(1) >= kMostTransfers) {
    --shared_->transfers;
    return End(TooManyStreams(kMostTransfers));
  }
  shared_->on_stream(weak_from_this());
  {
    MutexLock lock(&mutex_);
    counted_ = true;
    transfer_ = (*begin_)();
    SetAlarm();
  }
  BeginRead();
}

void TransferCall::BeginRead() {
  MutexLock lock(&mutex_);
  if (end_.has_value()) return;
  ++events_left_;
  stream_.Read(&buffer_, &read_);
}

void TransferCall::BeginWrite(const grpc::ByteBuffer& piece) {
  MutexLock lock(&mutex_);
  if (end_.has_value()) return;
  writing_ = true;
  ++events_left_;
  moved_bytes_ += static_cast<int64_t>(piece.Length());
  stream_.Write(piece, &written_);
}

void TransferCall::OnRead(bool ok) {
  const int64_t bytes = ok ? static_cast<int64_t>(buffer_.Length()) : 0;
  {
    MutexLock lock(&mutex_);
    moved_bytes_ += bytes;
  }
  if (bytes > kMostPieceBytes)
    End(BadMessage(absl::StrCat("a piece has ", bytes, " bytes, at most ",
                                kMostPieceBytes, " are taken")));
  else
    Submit(ok ? TransferStep::What::kTake : TransferStep::What::kGive,
           std::exchange(buffer_, grpc::ByteBuffer()));
  OnEvent();
}

void TransferCall::OnWritten(bool ok) {
  {
    MutexLock lock(&mutex_);
    writing_ = false;
    if (end_.has_value()) Finish();
  }
  if (ok)
    Submit(TransferStep::What::kGive, {});
  else
    End(CallerLeft());
  OnEvent();
}

void TransferCall::Submit(TransferStep::What what, grpc::ByteBuffer piece) {
  Message message;
  message.method = method_->name;
  message.bytes = static_cast<int64_t>(piece.Length());
  {
    MutexLock lock(&mutex_);
    if (end_.has_value() && what != TransferStep::What::kDrop) return;
    if (transfer_ == nullptr) return;
    stepping_ = true;
    message.payload = std::make_unique<TransferStep>(
        what == TransferStep::What::kDrop ? std::move(transfer_) : transfer_,
        what, std::move(piece));
  }
  // What is dropped is dropped whether or not anybody still waits.
  const bool drop = what == TransferStep::What::kDrop;
  shared_->lanes->Submit(
      shared_->lane_of(method_->name),
      std::make_shared<Envelope>(
          std::move(message), drop ? CallInfo() : info_,
          drop ? std::make_shared<CancelToken>() : token_,
          [self = shared_from_this(), what](absl::StatusOr<Reply> reply) {
            self->OnStep(what, std::move(reply));
          }));
}

void TransferCall::OnStep(TransferStep::What what,
                          absl::StatusOr<Reply> reply) {
  bool ended = false;
  {
    MutexLock lock(&mutex_);
    stepping_ = false;
    ended = end_.has_value();
  }
  if (what == TransferStep::What::kDrop) return;
  if (ended) return Submit(TransferStep::What::kDrop, {});
  if (!reply.ok()) return End(reply.status());
  if (what == TransferStep::What::kTake) return BeginRead();
  auto* const payload = dynamic_cast<RpcPayload*>(reply->payload.get());
  if (payload == nullptr) return End(absl::OkStatus());
  BeginWrite(payload->bytes());
}

void TransferCall::End(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    if (end_.has_value()) return;
    end_ = status;
    if (alarm_set_) alarm_.Cancel();
    // Nothing else ends the write, which the status has to wait for.
    if (writing_)
      context_.TryCancel();
    else
      Finish();
    if (stepping_) return;  // Its answer lets go of the transfer.
  }
  Submit(TransferStep::What::kDrop, {});
}

void TransferCall::Finish() {
  AddPushback(context_, *end_);
  stream_.Finish(ToGrpcStatus(*end_), &finished_);
}

void TransferCall::SetAlarm() {
  alarm_set_ = true;
  ++events_left_;
  SetAlarmIn(shared_->max_silence, shared_->queue, &alarm_, &alarmed_);
}

void TransferCall::OnAlarm(bool ok) {
  bool silent = false;
  {
    MutexLock lock(&mutex_);
    alarm_set_ = false;
    silent = !stepping_ && moved_bytes_ < kLeastBytes;
    moved_bytes_ = 0;
    if (ok && !silent && !end_.has_value()) SetAlarm();
  }
  if (ok && silent) End(StreamSilent());
  OnEvent();
}

void TransferCall::OnDone() {
  if (context_.IsCancelled()) token_->Cancel();
  End(CallerLeft());  // Without effect where the call ended by itself.
  OnEvent();
}

void TransferCall::OnEvent() {
  std::shared_ptr<TransferCall> self;  // Outlives the lock.
  MutexLock lock(&mutex_);
  if (--events_left_ == 0) self.swap(self_);
}

}  // namespace troupe
