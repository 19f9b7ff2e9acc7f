// troupe fetch: writes the output of a finished job to a file.
#include "client/cli/commands/commands.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kFetchExamples[] =
    "  troupe fetch 20261123-7f3a --output predictions.csv\n";

absl::StatusOr<ExitCode> Fetch(Session& session, const std::string& id,
                               const std::string& path) {
  pb::GetJobRequest request;
  request.set_id(id);
  ASSIGN_OR_RETURN(const pb::Job job, session.client().GetJob(request));
  if (!HasEnded(job))
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_OUTPUT",
                     "job " + id + " is " + StateWord(job.state()) +
                         "; `troupe watch " + id + "` waits for its end");
  if (HasResult(job)) {
    ASSIGN_OR_RETURN(OutputTarget target, OpenOutput(session, path));
    RETURN_IF_ERROR(SaveOutput(session, job, target, path));
  }
  return ConcludeJob(session, job);
}

}  // namespace

void AddFetch(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "fetch", "Writes the output of a finished job to a file",
      kFetchExamples);
  auto id = std::make_shared<std::string>();
  auto path = std::make_shared<std::string>();
  command->add_option("job", *id, "as `troupe jobs` shows it")
      ->required()
      ->type_name("JOB");
  command
      ->add_option("--output,-o", *path,
                   "the file to write, \"-\" for standard output")
      ->required()
      ->type_name("FILE");
  command->callback([&session, id, path] {
    session.command = [&session, id, path] {
      return Fetch(session, *id, *path);
    };
  });
}

}  // namespace troupe
