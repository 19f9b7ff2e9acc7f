// troupe score: predicts every row of a table.
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/commands/commands.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kScoreExamples[] =
    "  troupe score cancer --input new.csv --output predictions.csv\n"
    "  troupe score cancer@2 --input new.csv.zst --output - --format jsonl\n"
    "  troupe score churn --input new.csv --output churn.csv \\\n"
    "      --threshold 0.3 --on-bad-row reject --max-rejects 5%\n";

struct ScoreOptions {
  std::string pipeline;
  InputOptions input;
  OutputOptions output;
  bool probabilities = false;
  double threshold = 0;
  CLI::Option* probabilities_option = nullptr;
  CLI::Option* threshold_option = nullptr;
};

// What the pipeline says, with what the command line says in its place.
pb::OutputSpec Output(const pb::Pipeline& pipeline,
                      const ScoreOptions& options) {
  pb::OutputSpec output = pipeline.spec().output();
  if (const pb::Format format = options.output.chosen_format();
      format != pb::FORMAT_UNSPECIFIED)
    output.set_format(format);
  if (options.probabilities_option->count() > 0)
    output.set_probabilities(options.probabilities);
  if (options.threshold_option->count() > 0)
    output.set_threshold(options.threshold);
  return output;
}

// Whether the options mean anything for what this pipeline predicts.
absl::Status CheckOptions(const pb::Pipeline& pipeline,
                          const ScoreOptions& options) {
  const pb::ModelSpec& model = pipeline.spec().model();
  const std::string& objective = model.has_baseline()
                                     ? model.baseline().objective()
                                     : model.xgboost().objective();
  const bool binary = absl::StartsWith(objective, "binary");
  const bool classes = binary || absl::StartsWith(objective, "multi");
  const bool threshold = options.threshold_option->count() > 0;
  if (!classes && (threshold || options.probabilities_option->count() > 0))
    return BadUsage(absl::StrCat(threshold ? "--threshold" : "--probabilities",
                                 " means nothing for ", VersionOf(pipeline),
                                 ", which predicts numbers (objective ",
                                 objective, ")"));
  if (threshold && !binary)
    return BadUsage(absl::StrCat(
        "--threshold chooses between two classes, and ", VersionOf(pipeline),
        " has more (objective ", objective, ")"));
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Score(Session& session, const ScoreOptions& options) {
  ASSIGN_OR_RETURN(const pb::Pipeline pipeline,
                   FindVersion(session, options.pipeline));
  if (pipeline.spec().has_model())
    RETURN_IF_ERROR(CheckOptions(pipeline, options));
  ASSIGN_OR_RETURN(std::optional<OutputTarget> target,
                   OpenOutput(session, options.output));
  pb::CreateJobRequest request;
  request.set_kind(pb::SCORE);
  // Pinned: a newer version may come while the input is sent.
  request.set_pipeline(VersionOf(pipeline));
  RETURN_IF_ERROR(
      options.input.Apply(pipeline.spec().source(), *request.mutable_source()));
  *request.mutable_output() = Output(pipeline, options);
  ASSIGN_OR_RETURN(const pb::Job created,
                   SubmitJob(session, request, options.input.choice()));
  if (session.detach) return PrintSubmitted(session, created);
  ASSIGN_OR_RETURN(const pb::Job job, FollowJob(session, created.id()));
  if (HasResult(job))
    RETURN_IF_ERROR(SaveOutput(session, job, *target, options.output.path));
  return ConcludeJob(session, job);
}

}  // namespace

void AddScore(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "score", "Predicts every row of a table", kScoreExamples);
  auto options = std::make_shared<ScoreOptions>();
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
  options->probabilities_option = command->add_flag(
      "--probabilities,!--no-probabilities", options->probabilities,
      "a column for the probability of each class");
  options->threshold_option =
      command
          ->add_option("--threshold", options->threshold,
                       "binary: from which probability on the second class is "
                       "predicted")
          ->check(CLI::Range(0.0, 1.0))
          ->type_name("0..1");
  AddInputOptions(*command, options->input);
  AddSubmitOptions(*command, session);
  command->callback([&session, options] {
    session.command = [&session, options] { return Score(session, *options); };
  });
}

}  // namespace troupe
