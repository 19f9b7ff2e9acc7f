#include "client/rpc/grpc_stage_client.h"

#include <utility>

#include "client/rpc/channel.h"
#include "client/rpc/client_stream.h"
#include "client/rpc/grpc_fit_stream.h"
#include "client/rpc/grpc_unary_call.h"
#include "services/table/serialize.h"
#include "troupe/v1/artifact.pb.h"

namespace troupe {
namespace {

// Sends an artifact piece by piece.
class PutCall : public OpenCall, public std::enable_shared_from_this<PutCall> {
 public:
  PutCall(RpcThread* thread, absl::Duration timeout, std::string sha256,
          std::shared_ptr<const std::string> content,
          std::function<void(absl::Status)> done)
      : stream_(std::make_shared<ClientStream>(thread, timeout)),
        sha256_(std::move(sha256)),
        content_(std::move(content)),
        done_(std::move(done)) {}

  void Start(grpc::GenericStub& stub) {
    stream_->Start(stub, "/troupe.v1.Artifacts/Put",
                   [self = shared_from_this()](bool ok) { self->Next(ok); });
  }

  void Cancel() override { stream_->Cancel(); }

 private:
  void Next(bool ok) {
    // An empty artifact is one empty piece: the digest must arrive.
    const bool more = next_ < content_->size() || next_ == 0;
    if (!ok || !more || sent_empty_) {
      End();
      return;
    }
    pb::ArtifactChunk chunk;
    if (next_ == 0) chunk.set_sha256(sha256_);
    chunk.set_content(content_->substr(next_, kChunkBytes));
    next_ += chunk.content().size();
    sent_empty_ = chunk.content().empty();
    stream_->Write(Join(SerializeSmall(chunk), TableBytes()),
                   [self = shared_from_this()](bool ok) { self->Next(ok); });
  }

  void End() {
    stream_->End([self = shared_from_this()](absl::Status status) {
      std::exchange(self->done_, nullptr)(std::move(status));
    });
  }

  const std::shared_ptr<ClientStream> stream_;
  const std::string sha256_;
  const std::shared_ptr<const std::string> content_;
  std::function<void(absl::Status)> done_;
  size_t next_ = 0;  // The first byte not sent.
  bool sent_empty_ = false;
};

}  // namespace

GrpcStageClient::GrpcStageClient(std::string address, RpcThread* thread)
    : address_(std::move(address)),
      thread_(thread),
      channel_(OpenChannel(address_)),
      stub_(channel_) {}

bool GrpcStageClient::connected() const {
  return channel_->GetState(/*try_to_connect=*/false) == GRPC_CHANNEL_READY;
}

std::shared_ptr<OpenCall> GrpcStageClient::Call(
    UnaryCall call, std::function<void(UnaryReply)> done) {
  auto open = std::make_shared<GrpcUnaryCall>(thread_, std::move(done));
  open->Start(stub_, std::move(call));
  return open;
}

std::shared_ptr<OpenCall> GrpcStageClient::Put(
    const std::string& sha256, std::shared_ptr<const std::string> content,
    absl::Duration timeout, std::function<void(absl::Status)> done) {
  auto open = std::make_shared<PutCall>(thread_, timeout, sha256,
                                        std::move(content), std::move(done));
  open->Start(stub_);
  return open;
}

std::unique_ptr<FitUpload> GrpcStageClient::Fit(const pb::FitStart& start,
                                                FitOptions options) {
  auto stream = std::make_unique<GrpcFitStream>(thread_, std::move(options));
  stream->Start(stub_, start);
  return stream;
}

}  // namespace troupe
