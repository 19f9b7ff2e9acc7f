#include "client/rpc/client_stream.h"

#include <utility>

#include "client/rpc/deadline.h"
#include "services/host/grpc_status.h"

namespace troupe {

ClientStream::ClientStream(RpcThread* thread, absl::Duration timeout)
    : thread_(thread), event_([this](bool ok) {
        // Either may begin the next step, or free this object at its end.
        const std::shared_ptr<ClientStream> self = std::move(self_);
        const std::function<void(bool)> step = std::move(step_);
        step(ok);
      }) {
  context_.set_deadline(DeadlineIn(timeout));
}

void ClientStream::Await(std::function<void(bool ok)> step) {
  step_ = std::move(step);
  self_ = shared_from_this();
}

void ClientStream::Start(grpc::GenericStub& stub, const std::string& method,
                         std::function<void(bool ok)> done) {
  if (!thread_->Begin(this)) {
    done(false);
    return;
  }
  call_ = stub.PrepareCall(&context_, method, thread_->queue());
  Await(std::move(done));
  call_->StartCall(&event_);
}

void ClientStream::Write(const grpc::ByteBuffer& message,
                         std::function<void(bool ok)> done) {
  if (call_ == nullptr) {
    done(false);
    return;
  }
  Await(std::move(done));
  call_->Write(message, &event_);
}

void ClientStream::CloseWrites(std::function<void(bool ok)> done) {
  if (call_ == nullptr) {
    done(false);
    return;
  }
  Await(std::move(done));
  call_->WritesDone(&event_);
}

void ClientStream::Read(grpc::ByteBuffer* message,
                        std::function<void(bool ok)> done) {
  if (call_ == nullptr) {
    done(false);
    return;
  }
  Await(std::move(done));
  call_->Read(message, &event_);
}

void ClientStream::Finish(std::function<void(absl::Status)> done) {
  if (call_ == nullptr) {
    done(absl::CancelledError("the process is stopping"));
    return;
  }
  Await([this, done = std::move(done)](bool) {
    thread_->End(this);
    done(FromGrpcStatus(status_));
  });
  call_->Finish(&status_, &event_);
}

void ClientStream::End(std::function<void(absl::Status)> done) {
  CloseWrites([this, done = std::move(done)](bool) {
    Read(&answer_, [this, done](bool) { Finish(done); });
  });
}

void ClientStream::Cancel() { context_.TryCancel(); }

}  // namespace troupe
