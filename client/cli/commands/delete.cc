// troupe delete: removes a finished job and its output, or a pipeline version.
#include "client/cli/commands/commands.h"
#include "client/cli/options.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kDeleteExamples[] =
    "  troupe delete 20261123-7f3a      # a job and its output\n"
    "  troupe delete cancer@1           # a version of a pipeline\n";

absl::StatusOr<ExitCode> Delete(Session& session, const std::string& name) {
  // Ids of jobs have no "@"; versions always do.
  if (name.find('@') != std::string::npos) {
    pb::DeletePipelineRequest request;
    request.set_pipeline(name);
    ASSIGN_OR_RETURN(const auto response,
                     session.client().DeletePipeline(request));
    if (session.json) RETURN_IF_ERROR(session.PrintJson(response));
  } else {
    pb::DeleteJobRequest request;
    request.set_id(name);
    ASSIGN_OR_RETURN(const auto response, session.client().DeleteJob(request));
    if (session.json) RETURN_IF_ERROR(session.PrintJson(response));
  }
  session.Note(name + " is deleted");
  return kDone;
}

}  // namespace

void AddDelete(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "delete",
      "Removes a finished job with its output, or a version of a pipeline",
      kDeleteExamples);
  auto name = std::make_shared<std::string>();
  command->add_option("name", *name, "a job, or a version of a pipeline")
      ->required()
      ->type_name("JOB | NAME@N");
  command->callback([&session, name] {
    session.command = [&session, name] { return Delete(session, *name); };
  });
}

}  // namespace troupe
