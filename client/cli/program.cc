#include "client/cli/program.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cli/commands/commands.h"
#include "client/cli/completion.h"
#include "client/cli/options.h"
#include "client/cli/text_format.h"
#include "google/protobuf/struct.pb.h"
#include "services/base/errors.h"
#include "services/base/nearest.h"

namespace troupe {
namespace {

constexpr char kVersion[] = "troupe 0.1.0";

constexpr char kFooter[] =
    "Examples:\n"
    "  troupe train deploy/examples/cancer.yaml\n"
    "  troupe score cancer --input new.csv --output predictions.csv\n"
    "  troupe inspect new.csv\n"
    "  troupe status\n"
    "  troupe COMMAND --help           # more of them\n"
    "\n"
    "Results go to standard output, everything else to standard error.\n"
    "--json prints results as JSON. Ctrl-C leaves a running job running.\n"
    "\n"
    "Environment:\n"
    "  TROUPE_COORDINATOR   where the coordinator listens (127.0.0.1:50050)\n"
    "  NO_COLOR             anything: no colours\n"
    "  COLUMNS              the width of the terminal, where it does not tell\n"
    "\n"
    "Exit codes:\n"
    "  0    done\n"
    "  1    the job failed, or the coordinator refused\n"
    "  2    wrong command line, pipeline file or input name\n"
    "  3    no coordinator answers\n"
    "  4    the job was cancelled\n"
    "  5    done, but some rows were rejected\n"
    "  6    a disk of the coordinator is full; the job waits for resume\n"
    "  130  Ctrl-C\n";

// The command of that name, or null.
const CLI::App* FindCommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : app.get_subcommands({}))
    if (command->get_name() == name) return command;
  return nullptr;
}

// The commands as the help lists them.
struct CommandGroup {
  const char* name;
  std::vector<void (*)(CLI::App&, Session&)> commands;
};

std::vector<CommandGroup> Groups() {
  return {
      {"Run pipelines",
       {&AddTrain, &AddScore, &AddPredict, &AddEvaluate, &AddTransform,
        &AddInspect, &AddInit}},
      {"Follow jobs",
       {&AddJobs, &AddWatch, &AddWait, &AddFetch, &AddCancel, &AddResume,
        &AddJournal, &AddDelete}},
      {"What is kept",
       {&AddPipelines, &AddShow, &AddLabel, &AddExport, &AddImport,
        &AddUploads}},
      {"The company",
       {&AddStatus, &AddHealth, &AddStop, &AddBackup, &AddRestore}},
      {"The shell", {&AddCompletion}},
  };
}

void AddCommands(CLI::App& app, Session& session) {
  for (const CommandGroup& group : Groups()) {
    const size_t before = app.get_subcommands({}).size();
    for (const auto add : group.commands) add(app, session);
    const auto commands = app.get_subcommands({});
    for (size_t i = before; i < commands.size(); ++i)
      commands[i]->group(group.name);
  }
}

// Every line of `message` as one of ours (what is indented belongs to the line
// above), and with --json the error as a
// document, so that a script always reads one.
void ShowError(Session& session, const absl::Status& status) {
  const std::string message(status.message());
  for (const absl::string_view line : absl::StrSplit(message, '\n'))
    session.err << (absl::StartsWith(line, " ") ? "" : session.ErrorHead())
                << Printable(line) << "\n";
  session.err << std::flush;
  if (!session.json) return;
  google::protobuf::Struct document;
  auto& error = *(*document.mutable_fields())["error"].mutable_struct_value();
  const auto set = [&error](const char* key, const std::string& value) {
    (*error.mutable_fields())[key].set_string_value(value);
  };
  set("code", absl::StatusCodeToString(status.code()));
  set("reason", ReasonOf(status));
  set("message", message);
  auto& metadata =
      *(*error.mutable_fields())["metadata"].mutable_struct_value();
  for (const auto& [key, value] : MetadataOf(status))
    (*metadata.mutable_fields())[key].set_string_value(value);
  // There is nobody left to tell if even this fails.
  (void)session.PrintJson(document);
}

// A first word that is no command; CLI11 would only say that one is required.
absl::Status CheckCommand(const std::vector<std::string>& arguments,
                          const CLI::App& app) {
  if (arguments.empty() || arguments[0] == "-h" || arguments[0] == "--help" ||
      arguments[0] == "--version")
    return absl::OkStatus();
  if (absl::StartsWith(arguments[0], "-"))
    return BadUsage(absl::StrCat("\"", arguments[0],
                                 "\" stands before the command; options come "
                                 "after it: troupe COMMAND ",
                                 arguments[0]));
  if (FindCommand(app, arguments[0]) != nullptr) return absl::OkStatus();
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({}))
    names.push_back(command->get_name());
  return BadUsage(absl::StrCat("no command \"", arguments[0], "\"",
                               DidYouMean(arguments[0], names),
                               " (`troupe --help` lists them all)"));
}

// CLI11's message, with the option that was probably meant.
absl::Status FromParseError(const CLI::ParseError& error,
                            const std::vector<std::string>& arguments,
                            const CLI::App& app) {
  std::vector<std::string> options;
  const CLI::App* command = FindCommand(app, arguments[0]);
  if (command == nullptr) return BadUsage(error.what());
  for (const CLI::Option* option : command->get_options())
    for (const std::string& name : option->get_lnames())
      options.push_back("--" + name);
  for (const std::string& argument : arguments) {
    const std::string name = argument.substr(0, argument.find('='));
    if (absl::StartsWith(name, "--") &&
        std::find(options.begin(), options.end(), name) == options.end())
      return BadUsage(absl::StrCat("`troupe ", arguments[0], "` has no option ",
                                   name, DidYouMean(name, options)));
  }
  return BadUsage(absl::StrCat(error.what(), "; `troupe ", arguments[0],
                               " --help` explains"));
}

// Nothing is done before its result is where it was to go.
ExitCode Conclude(Session& session, ExitCode code) {
  session.out << std::flush;
  if (session.out.good()) return code;
  session.err << session.ErrorHead()
              << "not all of the result could be written\n";
  return kFailed;
}

}  // namespace

ExitCode RunProgram(const std::vector<std::string>& arguments,
                    Session& session) {
  CLI::App app("Runs data-science pipelines on a company of actors", "troupe");
  app.footer(kFooter);
  app.set_version_flag("--version", kVersion);
  AddCommands(app, session);
  if (!arguments.empty() && arguments[0] == kCompleteCommand) {
    session.out << CompletionText(
        Complete(app, session, {arguments.begin() + 1, arguments.end()}));
    return Conclude(session, kDone);
  }
  // Also for what is wrong before the options are parsed.
  session.json = std::find(arguments.begin(), arguments.end(), "--json") !=
                 arguments.end();
  if (const absl::Status status = CheckCommand(arguments, app); !status.ok()) {
    ShowError(session, status);
    return kWrongUsage;
  }
  if (arguments.empty()) {
    session.err << app.help();
    return kWrongUsage;
  }
  try {
    // CLI11 wants them last to first.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    const CLI::App* command = FindCommand(app, arguments[0]);
    session.out << (command == nullptr ? app.help() : command->help("troupe"));
    return Conclude(session, kDone);
  } catch (const CLI::CallForVersion&) {
    session.out << kVersion << "\n";
    return Conclude(session, kDone);
  } catch (const CLI::ParseError& error) {
    ShowError(session, FromParseError(error, arguments, app));
    return kWrongUsage;
  }
  const absl::StatusOr<ExitCode> result = session.command();
  if (result.ok()) return Conclude(session, *result);
  session.out << std::flush;
  ShowError(session, result.status());
  return ExitCodeOf(result.status());
}

}  // namespace troupe
