// troupe delete: removes a finished job and its output, or a pipeline version.
#include "absl/strings/str_cat.h"
#include "client/cli/commands/commands.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kDeleteExamples[] =
    "  troupe delete 20261123-7f3a      # a job and its output\n"
    "  troupe delete cancer@1           # a version of a pipeline\n";

// The RPCs are content when there is nothing to delete, as a repeated call must
// be; who types a name wants to know.
absl::Status DeleteVersion(Session& session, const std::string& name) {
  pb::GetPipelineRequest get;
  get.set_pipeline(name);
  RETURN_IF_ERROR(session.client().GetPipeline(get).status());
  pb::DeletePipelineRequest request;
  request.set_pipeline(name);
  ASSIGN_OR_RETURN(const auto response,
                   session.client().DeletePipeline(request));
  return session.json ? session.PrintJson(response) : absl::OkStatus();
}

absl::Status DeleteJob(Session& session, const std::string& name) {
  pb::GetJobRequest get;
  get.set_id(name);
  if (const auto job = session.client().GetJob(get); !job.ok()) {
    if (ReasonOf(job.status()) != "JOB_NOT_FOUND") return job.status();
    const auto pinned = FindVersion(session, name);
    if (!pinned.ok()) return job.status();
    return BadUsage(absl::StrCat("\"", name,
                                 "\" is a pipeline; say which "
                                 "version, such as ",
                                 VersionOf(*pinned),
                                 ", the newest (`troupe pipelines ", name,
                                 "` lists them)"));
  }
  pb::DeleteJobRequest request;
  request.set_id(name);
  ASSIGN_OR_RETURN(const auto response, session.client().DeleteJob(request));
  return session.json ? session.PrintJson(response) : absl::OkStatus();
}

absl::StatusOr<ExitCode> Delete(Session& session, const std::string& name) {
  // Ids of jobs have no "@"; versions always do.
  const bool version = name.find('@') != std::string::npos;
  RETURN_IF_ERROR(version ? DeleteVersion(session, name)
                          : DeleteJob(session, name));
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
