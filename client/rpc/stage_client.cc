#include "client/rpc/stage_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"
#include "services/base/errors.h"
#include "services/table/serialize.h"

namespace troupe {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

absl::Status HealthOf(const UnaryReply& reply, const std::string& service) {
  if (!reply.status.ok()) return reply.status;
  HealthCheckResponse response;
  if (!response.ParseFromString(reply.header))
    return BadMessage("malformed health answer");
  if (response.status() == HealthCheckResponse::SERVING)
    return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kUnavailable, "NOT_SERVING",
      absl::StrCat("\"", service, "\" says ",
                   HealthCheckResponse::ServingStatus_Name(response.status())));
}

// Calls `method` and parses what comes back.
template <typename Response>
void CallTyped(StageClient& client, std::string method, std::string request,
               absl::Duration timeout,
               std::function<void(absl::StatusOr<Response>)> done) {
  UnaryCall call;
  call.method = std::move(method);
  call.header = std::move(request);
  call.timeout = timeout;
  client.Call(std::move(call), [done = std::move(done)](UnaryReply reply) {
    Response response;
    if (!reply.status.ok())
      done(reply.status);
    else if (!response.ParseFromString(reply.header))
      done(BadMessage("malformed answer"));
    else
      done(std::move(response));
  });
}

}  // namespace

void CheckHealth(StageClient& client, absl::string_view service,
                 absl::Duration timeout,
                 std::function<void(absl::Status)> done) {
  HealthCheckRequest request;
  request.set_service(std::string(service));
  UnaryCall call;
  call.method = "/grpc.health.v1.Health/Check";
  call.header = SerializeSmall(request);
  call.timeout = timeout;
  client.Call(std::move(call),
              [service = std::string(service), done = std::move(done)](
                  UnaryReply reply) { done(HealthOf(reply, service)); });
}

void GetStats(StageClient& client, absl::Duration timeout,
              std::function<void(absl::StatusOr<pb::ActorStats>)> done) {
  CallTyped<pb::ActorStats>(client, "/troupe.v1.Actor/GetStats", "", timeout,
                            std::move(done));
}

void StopReplica(StageClient& client, const pb::StopRequest& request,
                 absl::Duration timeout,
                 std::function<void(absl::StatusOr<pb::StopResponse>)> done) {
  CallTyped<pb::StopResponse>(client, "/troupe.v1.Actor/Stop",
                              SerializeSmall(request), timeout,
                              std::move(done));
}

}  // namespace troupe
