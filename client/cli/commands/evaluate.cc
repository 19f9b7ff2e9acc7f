// troupe evaluate: measures a stored version on rows with a target.
#include "client/cli/commands/commands.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "client/cli/report_text.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kEvaluateExamples[] =
    "  troupe evaluate cancer --input labelled.csv\n"
    "  troupe evaluate cancer@1 --input labelled.csv --json\n";

struct EvaluateOptions {
  std::string pipeline;
  InputOptions input;
};

absl::StatusOr<ExitCode> Evaluate(Session& session,
                                  const EvaluateOptions& options) {
  // Before the input is sent: the name may be wrong.
  ASSIGN_OR_RETURN(const pb::Pipeline pipeline,
                   FindVersion(session, options.pipeline));
  pb::CreateJobRequest request;
  request.set_kind(pb::EVALUATE);
  request.set_pipeline(VersionOf(pipeline));
  RETURN_IF_ERROR(
      options.input.Apply(pipeline.spec().source(), *request.mutable_source()));
  ASSIGN_OR_RETURN(const pb::Job created,
                   SubmitJob(session, request, options.input.choice()));
  if (session.detach) return PrintSubmitted(session, created);
  ASSIGN_OR_RETURN(const pb::Job job, FollowJob(session, created.id()));
  if (HasResult(job) && !session.json)
    session.out << EvaluateReport(job, session.style);
  return ConcludeJob(session, job);
}

}  // namespace

void AddEvaluate(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "evaluate",
      "Measures a stored version on rows with a target", kEvaluateExamples);
  auto options = std::make_shared<EvaluateOptions>();
  command
      ->add_option("pipeline", options->pipeline,
                   "the newest version of NAME, or version N")
      ->required()
      ->type_name("NAME[@N]");
  command
      ->add_option("--input,-i", options->input.path,
                   "the table; \"-\" for standard input")
      ->required()
      ->type_name("FILE");
  AddInputOptions(*command, options->input);
  AddSubmitOptions(*command, session);
  command->callback([&session, options] {
    session.command = [&session, options] {
      return Evaluate(session, *options);
    };
  });
}

}  // namespace troupe
