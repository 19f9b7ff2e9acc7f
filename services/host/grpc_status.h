// absl::Status to grpc::Status and back. Reason, metadata and retry delay
// (services/base/errors.h) travel as google.rpc.ErrorInfo, domain `troupe`, and
// google.rpc.RetryInfo in the standard details trailer.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace troupe {

// Texts are cut so that all trailers together stay below 6 KiB: gRPC refuses
// more than 8 KiB. Invalid UTF-8 becomes `?`.
grpc::Status ToGrpcStatus(const absl::Status& status);

// An ErrorInfo of another domain is ignored.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace troupe
