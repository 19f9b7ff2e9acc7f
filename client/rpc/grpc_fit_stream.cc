#include "client/rpc/grpc_fit_stream.h"

#include <utility>

#include "services/base/errors.h"
#include "services/base/latch.h"
#include "services/base/status_macros.h"
#include "services/host/rpc_payload.h"
#include "services/table/serialize.h"

namespace troupe {
namespace {

// A step that somebody waits for.
struct Step {
  Latch over;
  bool ok = false;  // Written before it is over, read after.
};

}  // namespace

GrpcFitStream::GrpcFitStream(RpcThread* thread, FitOptions options)
    : stream_(std::make_shared<ClientStream>(thread, options.timeout)),
      answer_(options.max_artifact_bytes, std::move(options.on_progress)) {}

GrpcFitStream::~GrpcFitStream() {
  if (ended_) return;
  stream_->Cancel();
  stream_->End([](const absl::Status&) {});
}

bool GrpcFitStream::Await(
    const std::function<void(std::function<void(bool)>)>& begin) {
  const auto step = std::make_shared<Step>();
  begin([step](bool ok) {
    step->ok = ok;
    step->over.CountDown();
  });
  step->over.Wait();
  return step->ok;
}

void GrpcFitStream::Start(grpc::GenericStub& stub, const pb::FitStart& start) {
  pb::FitRequest request;
  *request.mutable_start() = start;
  absl::StatusOr<std::string> header = Serialize(request);
  if (!header.ok()) {
    ended_ = true;  // There is nothing to open.
    status_ = std::move(header).status();
    return;
  }
  writable_ = Await([&](std::function<void(bool)> done) {
    stream_->Start(stub, "/troupe.v1.Stage/Fit", std::move(done));
  });
  if (writable_)
    writable_ = WriteMessage(Join(*std::move(header), TableBytes()));
}

bool GrpcFitStream::WriteMessage(const grpc::ByteBuffer& message) {
  return Await([&](std::function<void(bool)> done) {
    stream_->Write(message, std::move(done));
  });
}

absl::Status GrpcFitStream::Write(const TableBytes& table) {
  if (writable_) writable_ = WriteMessage(Join("", table));
  if (writable_) return absl::OkStatus();
  End();
  // A replica may answer before it has read everything; to the writer that is
  // an error all the same.
  return status_.ok() ? absl::AbortedError("the fit ended early") : status_;
}

bool GrpcFitStream::ReadMessage(grpc::ByteBuffer* message) {
  return Await([&](std::function<void(bool)> done) {
    stream_->Read(message, std::move(done));
  });
}

absl::Status GrpcFitStream::TakeAnswer() {
  absl::Status taken;
  grpc::ByteBuffer message;
  // To the end in any case: until all is read there is no status.
  while (ReadMessage(&message)) {
    if (!taken.ok()) continue;
    pb::FitResponse response;
    taken = ParseBytes(message, response).ok()
                ? answer_.Take(response)
                : MakeError(absl::StatusCode::kInternal, "BAD_REPLY",
                            "malformed answer to a fit");
    if (!taken.ok()) stream_->Cancel();
  }
  return taken;
}

void GrpcFitStream::End() {
  if (ended_) return;
  ended_ = true;
  Await([&](std::function<void(bool)> done) {
    stream_->CloseWrites(std::move(done));
  });
  const absl::Status taken = TakeAnswer();
  Await([&](std::function<void(bool)> done) {
    stream_->Finish([this, done](absl::Status status) {
      status_ = std::move(status);
      done(true);
    });
  });
  // The status is then that of our own cancelling.
  if (!taken.ok()) status_ = taken;
}

absl::StatusOr<Learned> GrpcFitStream::Finish() {
  End();
  RETURN_IF_ERROR(status_);
  return answer_.Finish();
}

void GrpcFitStream::Cancel() { stream_->Cancel(); }

}  // namespace troupe
