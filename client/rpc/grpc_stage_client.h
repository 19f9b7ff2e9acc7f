// A StageClient over one gRPC channel of its own (client/rpc/channel.h).
//
// Thread safety: see StageClient. May be destroyed while calls are open: they
// go on.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client/rpc/rpc_thread.h"
#include "client/rpc/stage_client.h"
#include "grpcpp/channel.h"
#include "grpcpp/generic/generic_stub.h"

namespace troupe {

class GrpcStageClient : public StageClient {
 public:
  // `address` is a gRPC target: `ipv4:ADDRESS:PORT`. `thread` must outlive this
  // object, and ends what is still open when it is destroyed.
  GrpcStageClient(std::string address, RpcThread* thread);

  const std::string& address() const override { return address_; }
  bool connected() const override;
  std::shared_ptr<OpenCall> Call(UnaryCall call,
                                 std::function<void(UnaryReply)> done) override;
  std::shared_ptr<OpenCall> Put(
      const std::string& sha256, std::shared_ptr<const std::string> content,
      absl::Duration timeout, std::function<void(absl::Status)> done) override;
  std::unique_ptr<FitUpload> Fit(const pb::FitStart& start,
                                 FitOptions options) override;

 private:
  const std::string address_;
  RpcThread* const thread_;
  const std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
};

}  // namespace troupe
