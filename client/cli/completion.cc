#include "client/cli/completion.h"

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "client/cli/text_format.h"

namespace troupe {
namespace {

// A shell waits for this, and does not wait long.
constexpr absl::Duration kPatience = absl::Milliseconds(500);
constexpr int kMostSuggestions = 100;

using Candidates = std::vector<Completion::Candidate>;

// One command line, as far as it is typed.
class Completer {
 public:
  Completer(const CLI::App& app, Session& session,
            const std::vector<std::string>& words)
      : app_(app), session_(session), words_(words), typed_(words.back()) {}

  Completion Run() {
    if (words_.size() == 1) {
      AddCommands();
      return std::move(completion_);
    }
    command_ = FindCommand(words_[0]);
    if (command_ == nullptr) return {};
    ReadWords();
    const size_t equals = typed_.find('=');
    if (pending_ != nullptr) {
      AddValues(*pending_, "", typed_);
    } else if (only_positionals_ || !absl::StartsWith(typed_, "-")) {
      AddPositional();
    } else if (equals == std::string::npos) {
      AddOptions();
    } else if (const CLI::Option* option =
                   FindOption(typed_.substr(0, equals))) {
      AddValues(*option, typed_.substr(0, equals + 1),
                typed_.substr(equals + 1));
    }
    return std::move(completion_);
  }

 private:
  const CLI::App* FindCommand(const std::string& name) const {
    for (const CLI::App* command : app_.get_subcommands({}))
      if (command->get_name() == name) return command;
    return nullptr;
  }

  // `name` as it is typed: --output or -o.
  const CLI::Option* FindOption(const std::string& name) const {
    for (const CLI::Option* option : command_->get_options()) {
      for (const std::string& known : option->get_lnames())
        if ("--" + known == name) return option;
      for (const std::string& known : option->get_snames())
        if ("-" + known == name) return option;
    }
    return nullptr;
  }

  // What the words before the typed one leave open.
  void ReadWords() {
    for (size_t i = 1; i + 1 < words_.size(); ++i) {
      const std::string& word = words_[i];
      const size_t equals = word.find('=');
      if (pending_ != nullptr) {
        NoteValue(*pending_, word);
        pending_ = nullptr;
      } else if (only_positionals_ || word == "-" ||
                 !absl::StartsWith(word, "-")) {
        ++positionals_;
      } else if (word == "--") {
        only_positionals_ = true;
      } else if (const CLI::Option* option =
                     FindOption(word.substr(0, equals))) {
        if (equals != std::string::npos)
          NoteValue(*option, word.substr(equals + 1));
        else if (option->get_items_expected_max() > 0)
          pending_ = option;
      }
    }
  }

  void NoteValue(const CLI::Option& option, const std::string& value) {
    if (option.check_name("--coordinator")) session_.coordinator = value;
  }

  void Add(const std::string& word, absl::string_view description,
           absl::string_view typed) {
    if (absl::StartsWith(word, typed))
      completion_.candidates.push_back(
          {Printable(word), Printable(description, 60)});
  }

  void AddCommands() {
    for (const CLI::App* command : app_.get_subcommands({}))
      Add(command->get_name(), command->get_description(), typed_);
    if (!absl::StartsWith(typed_, "-")) return;
    Add("--help", "what there is", typed_);
    Add("--version", "which one this is", typed_);
  }

  void AddOptions() {
    for (const CLI::Option* option : command_->get_options())
      for (const std::string& name : option->get_lnames())
        if (name.find('_') == std::string::npos)  // Old spellings.
          Add("--" + name, option->get_description(), typed_);
  }

  void AddPositional() {
    size_t number = 0;
    for (const CLI::Option* option : command_->get_options())
      if (option->get_positional() && !option->nonpositional() &&
          number++ == positionals_)
        AddValues(*option, "", typed_);
  }

  // What the option takes: its type says so.
  void AddValues(const CLI::Option& option, const std::string& before,
                 const std::string& typed) {
    const std::string type = option.get_type_name();
    const bool positional = !option.nonpositional();
    Candidates values;
    if (type == "JOB" || type == "JOB | NAME@N") AddJobs(values);
    if (type == "JOB | NAME@N") AddVersions(values, typed);
    if (type == "NAME[@N]") {
      AddPipelines(values);
      AddVersions(values, typed);
    }
    if (type == "NAME" && positional) AddPipelines(values);
    if (type == "UPLOAD") AddUploads(values);
    if (values.empty()) AddWords(type, values);
    completion_.files = type == "FILE" || type == "FILE.yaml" ||
                        type == "PATH" || type == "DIR" || type == "STATE_DIR";
    for (const Completion::Candidate& value : values)
      Add(before + value.word, value.description, before + typed);
  }

  // `TEXT:csv | tsv | jsonl`
  static void AddWords(const std::string& type, Candidates& values) {
    const std::string words = type.substr(type.find(':') + 1);
    if (!absl::StrContains(words, " | ")) return;
    for (const absl::string_view word : absl::StrSplit(words, " | "))
      values.push_back({std::string(word), ""});
  }

  CoordinatorClient& coordinator() {
    if (client_ == nullptr) {
      Reconnecting how;
      how.retry_for = absl::ZeroDuration();
      client_ = session_.connect(session_.coordinator, std::move(how));
    }
    return *client_;
  }

  void AddJobs(Candidates& values) {
    pb::ListJobsRequest request;
    request.set_page_size(kMostSuggestions);
    const auto page = coordinator().ListJobs(request, kPatience);
    if (!page.ok()) return;
    for (const pb::Job& job : page->jobs())
      values.push_back({job.id(), absl::StrCat(KindWord(job.kind()), " ",
                                               StateWord(job.state()), " ",
                                               job.pipeline())});
  }

  void AddPipelines(Candidates& values) {
    pb::ListPipelinesRequest request;
    request.set_page_size(kMostSuggestions);
    const auto page = coordinator().ListPipelines(request, kPatience);
    if (!page.ok()) return;
    for (const pb::Pipeline& pipeline : page->pipelines())
      values.push_back(
          {pipeline.name(), absl::StrCat("version ", pipeline.version())});
  }

  // The newest versions, or, once a name is typed, all of that one.
  void AddVersions(Candidates& values, const std::string& typed) {
    pb::ListPipelinesRequest request;
    request.set_page_size(kMostSuggestions);
    const size_t at = typed.find('@');
    if (at != std::string::npos) request.set_name(typed.substr(0, at));
    const auto page = coordinator().ListPipelines(request, kPatience);
    if (!page.ok()) return;
    for (const pb::Pipeline& pipeline : page->pipelines())
      values.push_back(
          {absl::StrCat(pipeline.name(), "@", pipeline.version()), "version"});
  }

  void AddUploads(Candidates& values) {
    pb::ListUploadsRequest request;
    request.set_page_size(kMostSuggestions);
    const auto page = coordinator().ListUploads(request, kPatience);
    if (!page.ok()) return;
    for (const pb::StoredUpload& upload : page->uploads())
      values.push_back({upload.id(), upload.name()});
  }

  const CLI::App& app_;
  Session& session_;
  const std::vector<std::string>& words_;
  const std::string typed_;
  const CLI::App* command_ = nullptr;
  const CLI::Option* pending_ = nullptr;  // Its value is typed.
  bool only_positionals_ = false;         // After "--".
  size_t positionals_ = 0;
  std::unique_ptr<CoordinatorClient> client_;
  Completion completion_;
};

// bash takes words apart at = : @ and would put a whole word behind the part.
constexpr char kBash[] = R"sh(# bash: eval "$(troupe completion bash)"
_troupe() {
  local line=${COMP_LINE:0:COMP_POINT} kind=:words entry here
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local typed=${words[-1]}
  COMPREPLY=()
  while IFS= read -r entry; do
    case $entry in
      :files|:words) kind=$entry ;;
      *) COMPREPLY+=("${entry%%$'\t'*}") ;;
    esac
  done < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
  here=${COMP_WORDS[COMP_CWORD]}
  [[ $here == [=:@] ]] && here=
  here=${typed%"$here"}
  COMPREPLY=("${COMPREPLY[@]#"$here"}")
  if [[ $kind == :files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=()
    while IFS= read -r entry; do
      COMPREPLY+=("$entry")
    done < <(compgen -f -- "${typed#"$here"}")
  elif [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:@] ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _troupe troupe
)sh";

constexpr char kZsh[] = R"sh(#compdef troupe
# zsh: troupe completion zsh > "${fpath[1]}/_troupe"
_troupe() {
  local kind=:words entry
  local -a found
  while IFS= read -r entry; do
    case $entry in
      :files|:words) kind=$entry ;;
      *) found+=("${${entry%%$'\t'*}//:/\\:}:${entry#*$'\t'}") ;;
    esac
  done < <("${(Q)words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  if [[ $kind == :files ]]; then
    _files
  else
    _describe troupe found
  fi
}
if [[ $funcstack[1] == _troupe ]]; then _troupe "$@"; else compdef _troupe troupe; fi
)sh";

constexpr char kFish[] = R"sh(# fish: troupe completion fish | source
function __troupe_complete
  set -l words (commandline -opc)
  set -l typed (commandline -ct)
  for entry in ($words[1] __complete $words[2..-1] "$typed" 2>/dev/null)
    switch $entry
      case :files
        __fish_complete_path "$typed"
      case :words
      case '*'
        echo $entry
    end
  end
end
complete -c troupe -f -a '(__troupe_complete)'
)sh";

}  // namespace

Completion Complete(const CLI::App& app, Session& session,
                    const std::vector<std::string>& words) {
  if (words.empty()) return {};
  return Completer(app, session, words).Run();
}

std::string CompletionText(const Completion& completion) {
  std::string text;
  for (const Completion::Candidate& candidate : completion.candidates)
    absl::StrAppend(&text, candidate.word, "\t", candidate.description, "\n");
  absl::StrAppend(&text, completion.files ? ":files\n" : ":words\n");
  return text;
}

absl::string_view CompletionScript(absl::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  return "";
}

}  // namespace troupe
