// troupe transform: writes the features as the model sees them.
#include <optional>

#include "client/cli/commands/commands.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kTransformExamples[] =
    "  troupe transform churn --input new.csv --output features.csv\n"
    "  troupe transform churn@3 --input new.csv --output features.jsonl\n";

struct TransformOptions {
  std::string pipeline;
  InputOptions input;
  OutputOptions output;
};

absl::StatusOr<ExitCode> Transform(Session& session,
                                   const TransformOptions& options) {
  // Before the input is sent: the name may be wrong.
  ASSIGN_OR_RETURN(const pb::Pipeline pipeline,
                   FindVersion(session, options.pipeline));
  ASSIGN_OR_RETURN(std::optional<OutputTarget> target,
                   OpenOutput(session, options.output));
  pb::CreateJobRequest request;
  request.set_kind(pb::TRANSFORM);
  request.set_pipeline(VersionOf(pipeline));
  RETURN_IF_ERROR(
      options.input.Apply(pipeline.spec().source(), *request.mutable_source()));
  if (const pb::Format format = options.output.chosen_format();
      format != pb::FORMAT_UNSPECIFIED)
    request.mutable_output()->set_format(format);
  ASSIGN_OR_RETURN(const pb::Job created,
                   SubmitJob(session, request, options.input.choice()));
  if (session.detach) return PrintSubmitted(session, created);
  ASSIGN_OR_RETURN(const pb::Job job, FollowJob(session, created.id()));
  if (HasResult(job))
    RETURN_IF_ERROR(SaveOutput(session, job, *target, options.output.path));
  return ConcludeJob(session, job);
}

}  // namespace

void AddTransform(CLI::App& app, Session& session) {
  CLI::App* command =
      AddCommand(app, session, "transform",
                 "Writes the features as the model sees them, names and all",
                 kTransformExamples);
  auto options = std::make_shared<TransformOptions>();
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
  AddOutputOptions(*command, options->output);
  AddInputOptions(*command, options->input);
  AddSubmitOptions(*command, session);
  command->callback([&session, options] {
    session.command = [&session, options] {
      return Transform(session, *options);
    };
  });
}

}  // namespace troupe
