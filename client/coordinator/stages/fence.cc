#include "client/coordinator/stages/fence.h"

#include "services/base/errors.h"

namespace troupe {

void CheckAttempt(const std::string& method,
                  const std::optional<std::string>& asked, UnaryReply& reply) {
#ifdef TROUPE_FAULT_NO_FENCING
  // Only in the build that shows that the fault tests would notice.
  return;
#endif
  if (!reply.status.ok() || !asked.has_value()) return;
  const std::optional<std::string> answered = IdOf(method, reply.header);
  if (answered.has_value() && SameId(*asked, *answered)) return;
  reply.status = MakeError(absl::StatusCode::kInternal, "WRONG_REPLY",
                           "the reply is not to the open attempt");
  reply.header.clear();
  reply.table = TableBytes();
}

}  // namespace troupe
