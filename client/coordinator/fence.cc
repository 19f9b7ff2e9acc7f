#include "client/coordinator/fence.h"

#include "services/base/errors.h"

namespace troupe {

void CheckAttempt(const std::string& method,
                  const std::optional<pb::BatchId>& asked, UnaryReply& reply) {
  if (!reply.status.ok() || !asked.has_value()) return;
  const std::optional<pb::BatchId> answered = IdOf(method, reply.header);
  if (answered.has_value() && SameId(*asked, *answered)) return;
  reply.status = MakeError(absl::StatusCode::kInternal, "WRONG_REPLY",
                           "the reply is not to the open attempt");
  reply.header.clear();
  reply.table = TableBytes();
}

}  // namespace troupe
