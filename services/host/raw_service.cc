#include "services/host/raw_service.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/impl/rpc_method.h"
#include "grpcpp/impl/rpc_service_method.h"

namespace troupe {
namespace {

using grpc::internal::RpcMethod;

RpcMethod::RpcType TypeOf(MethodKind kind) {
  switch (kind) {
    case MethodKind::kUnary:
      return RpcMethod::NORMAL_RPC;
    case MethodKind::kStream:
      return RpcMethod::BIDI_STREAMING;
    case MethodKind::kServerStreaming:
      return RpcMethod::SERVER_STREAMING;
  }
  return RpcMethod::NORMAL_RPC;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RawService>> RawService::Make(
    absl::string_view full_name,
    const std::function<bool(const std::string& method)>& as_stream) {
  const google::protobuf::ServiceDescriptor* const service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          std::string(full_name));
  if (service == nullptr)
    return absl::NotFoundError(
        absl::StrCat("no proto service \"", full_name, "\" is linked in"));
  std::vector<RawMethod> methods;
  for (int i = 0; i < service->method_count(); ++i) {
    const google::protobuf::MethodDescriptor& method = *service->method(i);
    std::string name = absl::StrCat(full_name, "/", method.name());
    MethodKind kind = MethodKind::kUnary;
    if (method.server_streaming()) kind = MethodKind::kServerStreaming;
    if (method.client_streaming() || as_stream(name))
      kind = MethodKind::kStream;
    methods.push_back({i, std::move(name), kind});
  }
  return std::unique_ptr<RawService>(new RawService(std::move(methods)));
}

RawService::RawService(std::vector<RawMethod> methods)
    : methods_(std::move(methods)) {
  for (const RawMethod& method : methods_)
    paths_.push_back(absl::StrCat("/", method.name));
  for (const RawMethod& method : methods_) {
    AddMethod(new grpc::internal::RpcServiceMethod(
        paths_[static_cast<size_t>(method.index)].c_str(), TypeOf(method.kind),
        nullptr));
    MarkMethodRaw(method.index);
  }
}

void RawService::AwaitUnary(const RawMethod& method,
                            grpc::ServerContext* context,
                            grpc::ByteBuffer* request, Responder* responder,
                            grpc::ServerCompletionQueue* queue, void* tag) {
  RequestAsyncUnary(method.index, context, request, responder, queue, queue,
                    tag);
}

// gRPC takes a stream of requests with one answer as any other stream.
void RawService::AwaitStream(const RawMethod& method,
                             grpc::ServerContext* context, Stream* stream,
                             grpc::ServerCompletionQueue* queue, void* tag) {
  RequestAsyncBidiStreaming(method.index, context, stream, queue, queue, tag);
}

void RawService::AwaitServerStreaming(const RawMethod& method,
                                      grpc::ServerContext* context,
                                      grpc::ByteBuffer* request, Writer* writer,
                                      grpc::ServerCompletionQueue* queue,
                                      void* tag) {
  RequestAsyncServerStreaming(method.index, context, request, writer, queue,
                              queue, tag);
}

}  // namespace troupe
