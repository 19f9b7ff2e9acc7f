// A RawService is a proto service whose calls are taken from a CompletionQueue
// as bytes, unparsed. Its methods are read from the proto's descriptor, so that
// one class serves every service.
//
// Thread safety: Await* from any thread, once the server runs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/impl/service_type.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/byte_buffer.h"

namespace troupe {

enum class MethodKind {
  kUnary,
  kStream,  // Of requests, or either way; taken as one both ways.
  kServerStreaming,
};

struct RawMethod {
  int index = 0;
  std::string name;  // "troupe.v1.Stage/Process"
  MethodKind kind = MethodKind::kUnary;
};

class RawService : public grpc::Service {
 public:
  using Responder = grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>;
  using Stream =
      grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;
  using Writer = grpc::ServerAsyncWriter<grpc::ByteBuffer>;

  // `full_name` is that of a proto that is linked in; NOT_FOUND otherwise.
  // Methods of which `as_stream` says so are kStream in place of
  // kServerStreaming.
  static absl::StatusOr<std::unique_ptr<RawService>> Make(
      absl::string_view full_name,
      const std::function<bool(const std::string& method)>& as_stream);

  const std::vector<RawMethod>& methods() const { return methods_; }

  // Asks for the next call of a method of the fitting kind; `tag` appears in
  // `queue` when it has arrived.
  void AwaitUnary(const RawMethod& method, grpc::ServerContext* context,
                  grpc::ByteBuffer* request, Responder* responder,
                  grpc::ServerCompletionQueue* queue, void* tag);
  void AwaitStream(const RawMethod& method, grpc::ServerContext* context,
                   Stream* stream, grpc::ServerCompletionQueue* queue,
                   void* tag);
  void AwaitServerStreaming(const RawMethod& method,
                            grpc::ServerContext* context,
                            grpc::ByteBuffer* request, Writer* writer,
                            grpc::ServerCompletionQueue* queue, void* tag);

 private:
  explicit RawService(std::vector<RawMethod> methods);

  const std::vector<RawMethod> methods_;
  std::vector<std::string> paths_;  // gRPC keeps pointers to them.
};

}  // namespace troupe
