#include "services/host/loader_actor.h"

#include "services/base/errors.h"
#include "services/host/typed_call.h"

namespace troupe {

std::vector<std::string> LoaderActor::ActorServices() {
  return {"troupe.v1.Loader"};
}

absl::StatusOr<Reply> LoaderActor::OnReceive(Message& message,
                                             const Context& context) {
  const std::string& method = message.method;
  if (method == "troupe.v1.Loader/Load")
    return CallTyped(*this, &LoaderActor::Load, message, context);
  if (method == "troupe.v1.Loader/Plan")
    return CallTyped(*this, &LoaderActor::Plan, message, context);
  if (method == "troupe.v1.Loader/ReadRecords")
    return CallTyped(*this, &LoaderActor::ReadRecords, message, context);
  return UnknownMethod(method);
}

}  // namespace troupe
