#include "services/host/health.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/rpc_payload.h"

namespace troupe {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

}  // namespace

void Health::AddService(absl::string_view name) {
  MutexLock lock(&mutex_);
  services_.emplace(name);
}

absl::Status Health::RegisterAt(RpcAdapter& adapter) {
  const std::string name = HealthCheckRequest::descriptor()
                               ->file()
                               ->FindServiceByName("Health")
                               ->full_name();
  AddService(name);
  adapter.AddInline(
      absl::StrCat(name, "/Check"),
      [this](grpc::ByteBuffer& request) { return Check(request); });
  adapter.AddWatch(absl::StrCat(name, "/Watch"),
                   [this](grpc::ByteBuffer& request, auto watch) {
                     return BeginWatch(request, std::move(watch));
                   });
  return adapter.AddService(name);
}

void Health::SetServing(bool serving) {
  // A Watch only notes what it sends, so sending under the lock is quick, and
  // keeps the changes in order.
  MutexLock lock(&mutex_);
  if (serving_ == serving) return;
  serving_ = serving;
  for (const auto& [service, weak] : watches_)
    if (const auto watch = weak.lock(); watch != nullptr)
      watch->Send(StatusOf(service));
}

grpc::ByteBuffer Health::StatusOf(const std::string& service) const {
  HealthCheckResponse response;
  if (!services_.contains(service))
    response.set_status(HealthCheckResponse::SERVICE_UNKNOWN);
  else
    response.set_status(serving_ ? HealthCheckResponse::SERVING
                                 : HealthCheckResponse::NOT_SERVING);
  return SerializeBytes(response).value_or(grpc::ByteBuffer());
}

absl::StatusOr<grpc::ByteBuffer> Health::Check(grpc::ByteBuffer& bytes) {
  HealthCheckRequest request;
  RETURN_IF_ERROR(ParseBytes(bytes, request));
  MutexLock lock(&mutex_);
  if (!services_.contains(request.service()))
    return MakeError(absl::StatusCode::kNotFound, "SERVICE_UNKNOWN",
                     absl::StrCat("no service \"", request.service(), "\""));
  return StatusOf(request.service());
}

absl::Status Health::BeginWatch(grpc::ByteBuffer& bytes,
                                std::shared_ptr<Watch> watch) {
  HealthCheckRequest request;
  RETURN_IF_ERROR(ParseBytes(bytes, request));
  MutexLock lock(&mutex_);
  watches_.erase(
      std::remove_if(watches_.begin(), watches_.end(),
                     [](const auto& old) { return old.second.expired(); }),
      watches_.end());
  watch->Send(StatusOf(request.service()));
  watches_.emplace_back(request.service(), std::move(watch));
  return absl::OkStatus();
}

}  // namespace troupe
