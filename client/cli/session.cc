#include "client/cli/session.h"

#include "absl/strings/str_cat.h"
#include "client/cli/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "services/base/errors.h"

namespace troupe {

CoordinatorClient& Session::client() {
  if (client_ != nullptr) return *client_;
  const auto tell = [this](const std::string& text) {
    if (quiet) return;
    err << (terminal ? "\r\033[K" : "") << PrintableLines(text) << std::endl;
  };
  Reconnecting how;
  how.retry_for = absl::Seconds(retry_for);
  how.lost = [this, tell](const absl::Status& why) {
    tell(absl::StrCat(ReasonOf(why) == "DRAINING"
                          ? "the coordinator shuts down"
                          : "the connection to the coordinator is lost",
                      "; trying again for ", retry_for, " s (--retry-for)"));
  };
  how.found = [tell] { tell("the coordinator answers again"); };
  client_ = connect(coordinator, std::move(how));
  return *client_;
}

absl::Status Session::PrintJson(const google::protobuf::Message& message,
                                bool one_line) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = !one_line;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok())
    return MakeError(absl::StatusCode::kInternal, "BAD_MESSAGE",
                     "the coordinator's answer has no JSON form");
  out << text << (one_line ? "\n" : "") << std::flush;
  return absl::OkStatus();
}

void Session::Note(absl::string_view text) {
  if (!quiet && !json) err << PrintableLines(text) << "\n" << std::flush;
}

}  // namespace troupe
