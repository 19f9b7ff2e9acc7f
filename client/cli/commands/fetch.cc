// troupe fetch: writes the output of a finished job to a file.
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/commands/commands.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/file_names.h"

namespace troupe {
namespace {

constexpr char kFetchExamples[] =
    "  troupe fetch 20261123-7f3a --output predictions.csv\n";

// What a job wrote is fetched as it is, under a name that says what it is.
absl::Status CheckOutputOf(const pb::Job& job, const std::string& path) {
  if (!job.has_manifest())
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "NO_OUTPUT",
        absl::StrCat("job ", job.id(), " wrote no rows: ",
                     absl::AsciiStrToLower(pb::JobKind_Name(job.kind())),
                     " jobs end with a report (`troupe watch ", job.id(),
                     "`); ", path, " was left alone"));
  const pb::Format named = FormatOf(path);
  const pb::Format written = job.manifest().format();
  if (named == pb::FORMAT_UNSPECIFIED || named == written)
    return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_OUTPUT",
                   absl::StrCat("job ", job.id(), " wrote ",
                                absl::AsciiStrToLower(pb::Format_Name(written)),
                                ", which \"", path, "\" does not say"));
}

absl::StatusOr<ExitCode> Fetch(Session& session, const std::string& id,
                               const OutputOptions& wanted) {
  const std::string& path = wanted.path;
  pb::GetJobRequest request;
  request.set_id(id);
  ASSIGN_OR_RETURN(const pb::Job job, session.client().GetJob(request));
  if (!HasEnded(job))
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_OUTPUT",
                     "job " + id + " is " + StateWord(job.state()) +
                         "; `troupe watch " + id + "` waits for its end");
  if (HasResult(job)) {
    RETURN_IF_ERROR(CheckOutputOf(job, path));
    const std::string& format = pb::Format_Name(job.manifest().format());
    ASSIGN_OR_RETURN(std::optional<OutputTarget> target,
                     OpenOutput(session, {path, format, wanted.rejects}, &job));
    RETURN_IF_ERROR(SaveOutput(session, job, *target, path));
  }
  return ConcludeJob(session, job);
}

}  // namespace

void AddFetch(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "fetch", "Writes the output of a finished job to a file",
      kFetchExamples);
  auto id = std::make_shared<std::string>();
  auto output = std::make_shared<OutputOptions>();
  command->add_option("job", *id, "as `troupe jobs` shows it")
      ->required()
      ->type_name("JOB");
  command
      ->add_option("--output,-o", output->path,
                   "the file to write, \"-\" for standard output")
      ->required()
      ->type_name("FILE")
      ->group("Output");
  AddRejectsOption(*command, *output);
  command->callback([&session, id, output] {
    session.command = [&session, id, output] {
      return Fetch(session, *id, *output);
    };
  });
}

}  // namespace troupe
