#include "services/host/loader_actor.h"

#include "absl/strings/str_cat.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/host/text_reply.h"
#include "services/host/typed_call.h"

namespace troupe {

std::vector<std::string> LoaderActor::ActorServices() {
  return {"troupe.v1.Loader"};
}

absl::StatusOr<Reply> LoaderActor::OnReceive(Message& message,
                                             const Context& context) {
  const std::string& method = message.method;
  if (method == "troupe.v1.Loader/Load")
    return CallTyped(*this, &LoaderActor::LoadHereOrIsolated, message, context);
  if (method == "troupe.v1.Loader/Plan")
    return CallTyped(*this, &LoaderActor::Plan, message, context);
  if (method == "troupe.v1.Loader/ReadRecords")
    return CallTyped(*this, &LoaderActor::ReadRecords, message, context);
  return UnknownMethod(method);
}

absl::StatusOr<pb::LoadResponse> LoaderActor::LoadHereOrIsolated(
    pb::LoadRequest& request, const Context& context) {
  if (!request.isolate()) {
    const pb::TableForm form = request.form();
    const pb::TextForm text = request.text();
    request.set_form(pb::COLUMNS);
    request.clear_text();
    ASSIGN_OR_RETURN(pb::LoadResponse response, Load(request, context));
    if (form == pb::LINES) RETURN_IF_ERROR(RenderReply(text, response));
    return response;
  }
  request.set_isolate(false);
  request.set_read_again(false);  // The child is gone before then.
  absl::StatusOr<std::string> reply = isolation_.CallWhole(
      "troupe.v1.Loader/Load", request, "ISOLATED_LOAD_CRASHED", context);
  const pb::Split& split = request.split();
  if (ReasonOf(reply.status()) == "ISOLATED_LOAD_CRASHED")
    return WithPrefix(reply.status(),
                      absl::StrCat("loading rows ", split.first_row(), " to ",
                                   split.first_row() + split.rows(), " of \"",
                                   split.file(), "\""));
  RETURN_IF_ERROR(reply.status());
  pb::LoadResponse response;
  if (!response.ParseFromString(*reply))
    return HandlerFailed("loader", "the child's answer is no message");
  return response;
}

}  // namespace troupe
