// troupe health and stop.
#include "client/cli/commands/commands.h"
#include "client/cli/options.h"
#include "google/protobuf/struct.pb.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kHealthExamples[] =
    "  troupe health\n"
    "  troupe health --service troupe.v1.Coordinator\n"
    "  troupe health --coordinator 127.0.0.1:50051    # any actor answers\n";
constexpr char kStopExamples[] =
    "  troupe stop           # finishes what was accepted\n"
    "  troupe stop --now     # gives accepted work back\n";

absl::StatusOr<ExitCode> Health(Session& session, const std::string& service) {
  const absl::Status status = session.client().CheckHealth(service);
  if (ReasonOf(status) == "COORDINATOR_UNREACHABLE") return status;
  if (!status.ok() && !absl::IsUnavailable(status)) return status;
  if (session.json) {
    google::protobuf::Struct answer;
    (*answer.mutable_fields())["serving"].set_bool_value(status.ok());
    RETURN_IF_ERROR(session.PrintJson(answer));
  } else {
    session.out << (status.ok() ? "serving" : "not serving") << "\n";
  }
  return status.ok() ? kDone : kFailed;
}

absl::StatusOr<ExitCode> Stop(Session& session, bool now) {
  pb::StopCompanyRequest request;
  request.set_mode(now ? pb::NOW : pb::DRAIN);
  ASSIGN_OR_RETURN(const auto response, session.client().Stop(request));
  if (session.json) RETURN_IF_ERROR(session.PrintJson(response));
  session.Note("the company stops");
  return kDone;
}

}  // namespace

void AddHealth(CLI::App& app, Session& session) {
  CLI::App* command =
      AddCommand(app, session, "health",
                 "Asks whether the coordinator is serving", kHealthExamples);
  auto service = std::make_shared<std::string>();
  command
      ->add_option("--service", *service,
                   "a gRPC service of the process; default: the whole process")
      ->type_name("NAME");
  command->callback([&session, service] {
    session.command = [&session, service] { return Health(session, *service); };
  });
}

void AddStop(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "stop",
      "Stops the whole company, every replica of every stage", kStopExamples);
  auto now = std::make_shared<bool>(false);
  command->add_flag("--now", *now, "do not finish accepted work");
  command->callback([&session, now] {
    session.command = [&session, now] { return Stop(session, *now); };
  });
}

}  // namespace troupe
