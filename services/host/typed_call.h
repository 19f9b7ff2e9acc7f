// CallTyped takes one unary message through a typed method: parses the request,
// calls, fills in what every reply repeats, serializes.
//
// Thread safety: runs on the lane's thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/actor/actor.h"
#include "services/base/status_macros.h"
#include "services/host/rpc_payload.h"
#include "troupe/v1/stage.pb.h"

namespace troupe {

// One line per message, at debug level; an INTERNAL error always.
void LogCall(const Message& message, const Context& context,
             const pb::BatchId& id, const absl::Status& status);

template <typename Handler, typename Request, typename Response>
absl::StatusOr<Reply> CallTyped(
    Handler& handler,
    absl::StatusOr<Response> (Handler::*method)(Request&, const Context&),
    Message& message, const Context& context) {
  Request request;
  RETURN_IF_ERROR(ParsePayload(message, request));
  pb::BatchId id;
  // A copy: the handler may take the request apart.
  if constexpr (requires { id = request.id(); }) id = request.id();
  absl::StatusOr<Response> response = (handler.*method)(request, context);
  LogCall(message, context, id, response.status());
  if (!response.ok()) return response.status();
  if constexpr (requires { *response->mutable_id() = id; })
    *response->mutable_id() = std::move(id);
  int64_t rows = 0;
  if constexpr (requires { response->set_credit(0); }) {
    response->set_credit(static_cast<int32_t>(context.credit()));
    rows = response->rows();
  }
  if constexpr (requires { response->mutable_table(); }) {
    std::string table = std::move(*response->mutable_table());
    response->clear_table();
    return MakeReply(*response, std::move(table), rows);
  } else {
    return MakeReply(*response, rows);
  }
}

}  // namespace troupe
