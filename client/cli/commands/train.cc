// troupe train: fits a pipeline and stores a version.
#include <filesystem>

#include "client/cli/commands/commands.h"
#include "client/cli/file_chunks.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "client/cli/report_text.h"
#include "client/spec/config_node.h"
#include "client/spec/spec_loader.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kTrainExamples[] =
    "  troupe train deploy/examples/cancer.yaml\n"
    "  troupe train churn.yaml --data churn-2026.csv.gz\n"
    "  troupe train churn.yaml --validate-only\n"
    "  generate | troupe train - --data churn.csv   # the file, from a pipe\n"
    "  troupe train churn.yaml --remote         # the loader has the data\n";

struct TrainOptions {
  std::string file;
  std::string data;
  pb::CsvOptions csv;
  bool remote = false;
  bool validate_only = false;
};

// The pipeline of a file, or of standard input.
absl::StatusOr<LoadedSpec> Load(Session& session, const TrainOptions& options) {
  if (options.file != kStandardInput) return LoadSpec(options.file);
  if (options.data == kStandardInput)
    return BadUsage("the pipeline and --data cannot both be standard input");
  std::string text(static_cast<size_t>(ConfigLimits().max_text_bytes) + 1,
                   '\0');
  session.in->read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(session.in->gcount()));
  return ParseSpec(text, "standard input");
}

absl::StatusOr<ExitCode> Train(Session& session, const TrainOptions& options) {
  if (options.validate_only && session.detach)
    return BadUsage(
        "--detach means nothing with --validate-only: there is no "
        "job");
  if (options.validate_only && !session.request_id.empty())
    return BadUsage(
        "--request-id means nothing with --validate-only: there is "
        "no job");
  ASSIGN_OR_RETURN(LoadedSpec loaded, Load(session, options));
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
  pb::Source read = loaded.spec.source();
  read.set_path(input.path);
  RETURN_IF_ERROR(CheckCsvOptions(options.csv, read));
  if (options.csv.ByteSizeLong() > 0)
    ReplaceCsvOptions(options.csv,
                      *loaded.spec.mutable_source()->mutable_csv());
  pb::CreateJobRequest request;
  request.set_kind(pb::TRAIN);
  request.set_validate_only(options.validate_only);
  *request.mutable_spec() = loaded.spec;
  const absl::StatusOr<pb::Job> created = SubmitJob(session, request, input);
  // What the command line names stands at no place of the file.
  if (ReasonOf(created.status()) == "FILE_NOT_FOUND" && !options.data.empty())
    return created.status();
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
  command
      ->add_option("file", options->file,
                   "the pipeline, YAML or JSON; \"-\" for standard input")
      ->required()
      ->type_name("FILE.yaml");
  command
      ->add_option("--data", options->data,
                   "the table, instead of the file's source.path; \"-\" for "
                   "standard input")
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
