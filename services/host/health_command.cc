#include "services/host/health_command.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "services/base/errors.h"
#include "services/host/credentials.h"
#include "services/host/grpc_status.h"

namespace troupe {

absl::Status CheckHealth(const std::string& address, absl::Duration timeout) {
  using grpc::health::v1::HealthCheckResponse;
  const auto stub = grpc::health::v1::Health::NewStub(
      grpc::CreateChannel(address, ChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMilliseconds(timeout));
  HealthCheckResponse response;
  const absl::Status asked =
      FromGrpcStatus(stub->Check(&context, {}, &response));
  if (!asked.ok()) return WithPrefix(asked, address);
  if (response.status() == HealthCheckResponse::SERVING)
    return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kUnavailable, "NOT_SERVING",
      absl::StrCat(address, ": ",
                   HealthCheckResponse::ServingStatus_Name(response.status())));
}

}  // namespace troupe
