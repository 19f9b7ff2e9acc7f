// A FitUpload over gRPC: waits on its caller's thread for what happens on the
// RpcThread.
//
// Thread safety: see FitUpload.
#pragma once

#include <functional>
#include <memory>

#include "client/rpc/client_stream.h"
#include "client/rpc/fit_answer.h"
#include "client/rpc/stage_client.h"

namespace troupe {

class GrpcFitStream : public FitUpload {
 public:
  GrpcFitStream(RpcThread* thread, FitOptions options);
  ~GrpcFitStream() override;

  // Opens the call and sends `start`, once. What goes wrong shows in the first
  // Write or in Finish.
  void Start(grpc::GenericStub& stub, const pb::FitStart& start);
  absl::Status Write(const TableBytes& table) override;
  absl::StatusOr<Learned> Finish() override;
  void Cancel() override;

 private:
  // Runs one step of the stream and waits for it.
  bool Await(const std::function<void(std::function<void(bool)>)>& begin);
  bool WriteMessage(const grpc::ByteBuffer& message);
  bool ReadMessage(grpc::ByteBuffer* message);
  // Ends the call once; afterwards `status_` and `answer_` are what it gave.
  void End();
  absl::Status TakeAnswer();

  const std::shared_ptr<ClientStream> stream_;
  bool writable_ = false;
  bool ended_ = false;
  absl::Status status_;
  FitAnswer answer_;
};

}  // namespace troupe
