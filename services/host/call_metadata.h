// What a call says about itself in its metadata and deadline.
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "services/actor/context.h"
#include "services/base/clock.h"

namespace troupe {

// Deadline, work limit (`troupe-work-limit-ms`), trace (`traceparent`), peer.
// INVALID_ARGUMENT (BAD_MESSAGE) when the limit is no positive number.
absl::StatusOr<CallInfo> ReadCallInfo(const grpc::ServerContext& context,
                                      const Clock& clock);

// `troupe-lane`; `batch` where the caller says nothing. INVALID_ARGUMENT
// (BAD_MESSAGE) when it is neither `online` nor `batch`.
absl::StatusOr<std::string> ReadLane(const grpc::ServerContext& context);

// Adds `grpc-retry-pushback-ms` where `status` is RESOURCE_EXHAUSTED, so that
// callers with a retry policy wait: the delay that it carries, or "do not".
void AddPushback(grpc::ServerContext& context, const absl::Status& status);

}  // namespace troupe
