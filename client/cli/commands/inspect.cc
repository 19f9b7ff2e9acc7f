// troupe inspect: the loader's view of a file.
#include <optional>

#include "absl/strings/str_cat.h"
#include "client/cli/commands/commands.h"
#include "client/cli/input_guess.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "client/cli/report_text.h"
#include "client/spec/spec_writer.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "services/base/status_macros.h"
#include "services/table/wire.h"

namespace troupe {
namespace {

constexpr char kInspectExamples[] =
    "  troupe inspect new.csv\n"
    "  troupe inspect export.txt                     # guesses, and says what\n"
    "  troupe inspect data.txt --input-format csv --delimiter ';' --rows 3\n"
    "  troupe inspect new.csv --output parsed.jsonl   # the table as parsed\n";

struct InspectOptions {
  InputOptions input;
  OutputOptions output;
  int rows = 10;
  CLI::Option* rows_option = nullptr;
};

// The job as JSON, its preview as objects in place of the table's bytes.
absl::Status PrintAsJson(Session& session, const pb::Job& job) {
  pb::Job plain = job;
  plain.mutable_report()->clear_preview();
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  google::protobuf::Struct document;
  if (!google::protobuf::util::MessageToJsonString(plain, &text, options)
           .ok() ||
      !google::protobuf::util::JsonStringToMessage(text, &document).ok())
    return session.PrintJson(plain);
  if (!job.report().preview().empty()) {
    ASSIGN_OR_RETURN(const Table table, ParseTable(job.report().preview()));
    auto& report =
        *(*document.mutable_fields())["report"].mutable_struct_value();
    *(*report.mutable_fields())["preview"].mutable_list_value() =
        TableRows(table);
  }
  return session.PrintJson(document);
}

// Guesses what neither the command line nor the file's ending says, and says
// so.
absl::Status GuessDialect(Session& session, const InputOptions& options,
                          pb::Source& source) {
  ASSIGN_OR_RETURN(const std::optional<pb::Source> guess,
                   GuessInput(options.choice(), source));
  if (!guess.has_value()) return absl::OkStatus();
  const std::string text =
      absl::StrCat("guessed from the file's beginning; jobs need to be told:\n",
                   WriteSource(*guess));
  if (session.json) {
    session.Note(text);
  } else {
    session.out << text << "\n";
  }
  source.set_format(guess->format());
  if (guess->has_csv()) source.mutable_csv()->MergeFrom(guess->csv());
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Inspect(Session& session,
                                 const InspectOptions& options) {
  if (options.output.path.empty() &&
      (!options.output.format.empty() || !options.output.rejects.empty()))
    return BadUsage(
        "--format and --rejects say how --output is written, and "
        "there is none");
  if (options.output.path == "-" && options.rows_option->count() > 0)
    return BadUsage(
        "--rows means nothing with --output -, which shows no "
        "report");
  std::optional<OutputTarget> target;
  if (!options.output.path.empty()) {
    ASSIGN_OR_RETURN(target, OpenOutput(session, options.output));
  }
  pb::CreateJobRequest request;
  request.set_kind(pb::INSPECT);
  request.set_preview_rows(options.rows);
  RETURN_IF_ERROR(options.input.Apply(pb::Source(), *request.mutable_source()));
  RETURN_IF_ERROR(
      GuessDialect(session, options.input, *request.mutable_source()));
  if (target.has_value()) {
    request.set_write_output(true);
    request.mutable_output()->set_format(options.output.chosen_format());
  }
  ASSIGN_OR_RETURN(const pb::Job created,
                   SubmitJob(session, request, options.input.choice()));
  ASSIGN_OR_RETURN(const pb::Job job, FollowJob(session, created.id()));
  const bool to_stdout = options.output.path == "-";
  if (HasResult(job) && target.has_value())
    RETURN_IF_ERROR(SaveOutput(session, job, *target, options.output.path));
  if (HasResult(job) && !to_stdout) {
    if (session.json) {
      RETURN_IF_ERROR(PrintAsJson(session, job));
      return ExitCodeOf(job.state());
    }
    ASSIGN_OR_RETURN(const std::string report,
                     InspectReport(job, session.style));
    session.out << report;
  }
  return ConcludeJob(session, job);
}

}  // namespace

void AddInspect(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "inspect",
      "Shows a table as the loader reads it: types, missing values, first rows",
      kInspectExamples);
  auto options = std::make_shared<InspectOptions>();
  command
      ->add_option("file", options->input.path,
                   "the table; \"-\" for standard input")
      ->required()
      ->type_name("FILE");
  options->rows_option =
      command
          ->add_option("--rows", options->rows, "how many first rows to show")
          ->check(CLI::Range(1, 100))
          ->capture_default_str();
  AddOutputOptions(*command, options->output);
  AddInputOptions(*command, options->input);
  command->callback([&session, options] {
    session.command = [&session, options] {
      return Inspect(session, *options);
    };
  });
}

}  // namespace troupe
