// troupe train: fits a pipeline and stores a version.
#include <filesystem>

#include "client/cli/commands/commands.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "client/cli/report_text.h"
#include "client/spec/spec_loader.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kTrainExamples[] =
    "  troupe train deploy/examples/cancer.yaml\n"
    "  troupe train churn.yaml --data churn-2026.csv.gz\n"
    "  troupe train churn.yaml --validate-only\n"
    "  troupe train churn.yaml --remote         # the loader has the data\n";

struct TrainOptions {
  std::string file;
  std::string data;
  pb::CsvOptions csv;
  bool remote = false;
  bool validate_only = false;
};

absl::StatusOr<ExitCode> Train(Session& session, const TrainOptions& options) {
  ASSIGN_OR_RETURN(LoadedSpec loaded, LoadSpec(options.file));
  // A path in the file is meant beside the file; one on the command line,
  // where the user stands.
  InputChoice input;
  input.path = loaded.spec.source().path();
  input.directories = {
      std::filesystem::path(options.file).parent_path().string(), ""};
  input.remote = options.remote;
  if (!options.data.empty()) {
    input.path = options.data;
    input.directories = {""};
    // The file's are for the file's own path.
    loaded.spec.mutable_source()->clear_compression();
  }
  if (options.csv.ByteSizeLong() > 0)
    ReplaceCsvOptions(options.csv,
                      *loaded.spec.mutable_source()->mutable_csv());
  pb::CreateJobRequest request;
  request.set_kind(pb::TRAIN);
  request.set_validate_only(options.validate_only);
  *request.mutable_spec() = loaded.spec;
  const absl::StatusOr<pb::Job> created = SubmitJob(session, request, input);
  if (!created.ok()) return loaded.Locate(created.status());
  if (options.validate_only) {
    if (session.json) RETURN_IF_ERROR(session.PrintJson(*created));
    for (const std::string& warning : created->report().warnings())
      session.Note("note: " + warning);
    if (!session.json) session.out << loaded.file << ": valid\n";
    return kDone;
  }
  if (session.detach) return PrintSubmitted(session, *created);
  ASSIGN_OR_RETURN(const pb::Job job, FollowJob(session, created->id()));
  if (HasResult(job) && !session.json)
    session.out << TrainReport(job, session.style);
  return ConcludeJob(session, job, [&](const absl::Status& error) {
    return loaded.Locate(error);
  });
}

}  // namespace

void AddTrain(CLI::App& app, Session& session) {
  CLI::App* command =
      AddCommand(app, session, "train",
                 "Fits a pipeline, tests it on held-out rows, stores a version",
                 kTrainExamples);
  auto options = std::make_shared<TrainOptions>();
  command->add_option("file", options->file, "the pipeline, YAML or JSON")
      ->required()
      ->type_name("FILE.yaml");
  command
      ->add_option("--data", options->data,
                   "the table, instead of the file's source.path")
      ->type_name("PATH");
  AddCsvOptions(*command, options->csv);
  command->add_flag("--remote", options->remote,
                    "let the loader read the path itself, below its roots; "
                    "otherwise a file on this machine is sent");
  command->add_flag("--validate-only", options->validate_only,
                    "check everything against the stages and one page of the "
                    "input, and store nothing");
  AddSubmitOptions(*command, session);
  command->callback([&session, options] {
    session.command = [&session, options] { return Train(session, *options); };
  });
}

}  // namespace troupe
