#include "client/rpc/grpc_unary_call.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/rpc/deadline.h"
#include "services/base/errors.h"
#include "services/host/grpc_status.h"

namespace troupe {
namespace {

// Where a call goes that names no lane (proto/troupe/v1/stage.proto).
constexpr absl::string_view kDefaultLane = "batch";

void AddMetadata(const UnaryCall& call, grpc::ClientContext& context) {
  if (call.lane != kDefaultLane) context.AddMetadata("troupe-lane", call.lane);
  if (call.work_limit > absl::ZeroDuration())
    context.AddMetadata("troupe-work-limit-ms",
                        absl::StrCat(std::max<int64_t>(
                            1, absl::ToInt64Milliseconds(call.work_limit))));
  if (!call.trace.empty()) context.AddMetadata("traceparent", call.trace);
}

UnaryReply ReplyOf(const grpc::Status& status, const grpc::ByteBuffer& answer) {
  UnaryReply reply;
  reply.status = FromGrpcStatus(status);
  if (!reply.status.ok()) return reply;
  absl::StatusOr<SplitMessage> split = Split(answer);
  if (!split.ok()) {
    reply.status =
        MakeError(absl::StatusCode::kInternal, "BAD_REPLY",
                  absl::StrCat("malformed reply: ", split.status().message()));
    return reply;
  }
  reply.header = std::move(split->header);
  reply.table = std::move(split->table);
  return reply;
}

}  // namespace

GrpcUnaryCall::GrpcUnaryCall(RpcThread* thread,
                             std::function<void(UnaryReply)> done)
    : thread_(thread),
      done_(std::move(done)),
      finished_([this](bool) { Finish(); }) {}

void GrpcUnaryCall::Start(grpc::GenericStub& stub, UnaryCall call) {
  if (!thread_->Begin(this)) {
    UnaryReply reply;
    reply.status = absl::CancelledError("the process is stopping");
    std::exchange(done_, nullptr)(std::move(reply));
    return;
  }
  context_.set_deadline(DeadlineIn(call.timeout));
  AddMetadata(call, context_);
  self_ = shared_from_this();
  reader_ = stub.PrepareUnaryCall(&context_, call.method,
                                  Join(std::move(call.header), call.table),
                                  thread_->queue());
  reader_->StartCall();
  reader_->Finish(&answer_, &status_, &finished_);
}

void GrpcUnaryCall::Cancel() { context_.TryCancel(); }

void GrpcUnaryCall::Finish() {
  const std::shared_ptr<GrpcUnaryCall> self = std::move(self_);
  const auto done = std::exchange(done_, nullptr);
  done(ReplyOf(status_, answer_));
  answer_.Clear();  // Whoever holds the handle must not hold the table.
  thread_->End(this);
}

}  // namespace troupe
