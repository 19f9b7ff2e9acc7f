#include "services/host/typed_call.h"

#include "services/base/errors.h"
#include "services/base/log.h"

namespace troupe {

void LogCall(const Message& message, const Context& context,
             const pb::BatchId& id, const absl::Status& status) {
  // Only a bug's text is logged: the others may quote a cell, and belong to the
  // caller, who has them.
  if (status.code() == absl::StatusCode::kInternal) {
    LogError("message failed", status,
             {{"method", message.method},
              {"job", id.job()},
              {"batch", id.number()},
              {"attempt", id.attempt()},
              {"trace", context.info().trace}});
    return;
  }
  if (!Logs(LogLevel::kDebug)) return;  // Making the fields costs, too.
  Log(LogLevel::kDebug, "message handled",
      {{"method", message.method},
       {"job", id.job()},
       {"batch", id.number()},
       {"attempt", id.attempt()},
       {"trace", context.info().trace},
       {"reason", status.ok() ? "OK" : ReasonOf(status)}});
}

}  // namespace troupe
