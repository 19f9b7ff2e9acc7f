// troupe completion: what a shell needs to complete our words.
#include "client/cli/completion.h"

#include "client/cli/commands/commands.h"
#include "client/cli/options.h"

namespace troupe {
namespace {

constexpr char kCompletionExamples[] =
    "  eval \"$(troupe completion bash)\"              # in ~/.bashrc\n"
    "  troupe completion zsh > \"${fpath[1]}/_troupe\"\n"
    "  troupe completion fish > ~/.config/fish/completions/troupe.fish\n";

CLI::Validator IsShell() {
  const char* const shells = "bash | zsh | fish";
  return CLI::Validator(
      [shells](std::string& shell) -> std::string {
        if (!CompletionScript(shell).empty()) return "";
        return "\"" + shell + "\" is none of " + shells;
      },
      shells);
}

}  // namespace

void AddCompletion(CLI::App& app, Session& session) {
  CLI::App* command =
      AddCommand(app, session, "completion",
                 "Prints what makes a shell complete commands, options, jobs "
                 "and pipelines",
                 kCompletionExamples);
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "which shell")
      ->required()
      ->check(IsShell());
  command->callback([&session, shell] {
    session.command = [&session, shell]() -> absl::StatusOr<ExitCode> {
      session.out << CompletionScript(*shell);
      return kDone;
    };
  });
}

}  // namespace troupe
