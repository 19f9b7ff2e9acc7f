#include "client/cli/options.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/spec_words.h"
#include "services/base/errors.h"

namespace troupe {
namespace {

std::string OneOf(const google::protobuf::EnumDescriptor& type) {
  std::string words;
  for (const std::string& word : EnumWords(type))
    absl::StrAppend(&words, words.empty() ? "" : " | ", word);
  return words;
}

// Accepts what EnumNumber knows.
CLI::Validator IsWord(const google::protobuf::EnumDescriptor& type) {
  return CLI::Validator(
      [&type](std::string& word) -> std::string {
        if (EnumNumber(type, word).has_value()) return "";
        return absl::StrCat("\"", word, "\" is none of ", OneOf(type));
      },
      OneOf(type));
}

}  // namespace

CLI::App* AddCommand(CLI::App& app, Session& session, const std::string& name,
                     const std::string& description,
                     const std::string& examples) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer(absl::StrCat("Examples:\n", examples));
  command
      ->add_option("--coordinator", session.coordinator,
                   "where the coordinator listens (also TROUPE_COORDINATOR)")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  command->add_flag("--json", session.json,
                    "print the result as JSON (protobuf's form)");
  command->add_flag("--quiet,-q", session.quiet,
                    "show no progress and no notes");
  return command;
}

absl::Status InputOptions::Apply(pb::Source& source) const {
  if (!format.empty())
    source.set_format(static_cast<pb::Format>(
        EnumNumber(*pb::Format_descriptor(), format).value_or(0)));
  if (!delimiter.empty())
    source.mutable_csv()->set_delimiter(delimiter == "\\t" ? "\t" : delimiter);
  if (!on_bad_row.empty())
    source.set_on_bad_row(static_cast<pb::BadRowPolicy>(
        EnumNumber(*pb::BadRowPolicy_descriptor(), on_bad_row).value_or(0)));
  if (max_rejects.empty()) return absl::OkStatus();
  const std::optional<double> share = ParseShare(max_rejects);
  if (!share.has_value() || *share < 0 || *share > 1)
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_USAGE",
                     absl::StrCat("--max-rejects takes a share such as 0.01 or "
                                  "1%, not \"",
                                  max_rejects, "\""));
  source.set_max_rejects(*share);
  return absl::OkStatus();
}

void AddInputOptions(CLI::App& command, InputOptions& options) {
  command.add_flag("--remote", options.remote,
                   "let the loader read the path itself, below its roots; "
                   "otherwise a file on this machine is sent");
  command
      .add_option("--input-format", options.format,
                  "how the input is written; default: as the pipeline or the "
                  "file's ending says")
      ->check(IsWord(*pb::Format_descriptor()));
  command
      .add_option("--delimiter", options.delimiter,
                  "what separates the fields of a CSV input")
      ->type_name("CHARACTER");
  command
      .add_option("--on-bad-row", options.on_bad_row,
                  "what a row does that cannot be read or transformed")
      ->check(IsWord(*pb::BadRowPolicy_descriptor()));
  command
      .add_option("--max-rejects", options.max_rejects,
                  "with --on-bad-row reject: the highest share of bad rows")
      ->type_name("SHARE");
}

pb::Format OutputOptions::chosen_format() const {
  if (!format.empty())
    return static_cast<pb::Format>(
        EnumNumber(*pb::Format_descriptor(), format).value_or(0));
  const std::string lower = absl::AsciiStrToLower(path);
  if (absl::EndsWith(lower, ".jsonl") || absl::EndsWith(lower, ".ndjson"))
    return pb::JSONL;
  return absl::EndsWith(lower, ".csv") ? pb::CSV : pb::FORMAT_UNSPECIFIED;
}

void AddOutputOptions(CLI::App& command, OutputOptions& options,
                      bool required) {
  command
      .add_option("--output,-o", options.path,
                  "the file to write, \"-\" for standard output; it appears "
                  "when it is complete, rejected rows beside it in "
                  "FILE.rejects.jsonl")
      ->required(required)
      ->type_name("FILE");
  command
      .add_option("--format", options.format,
                  "csv | jsonl; default: by the file's ending, or as the "
                  "pipeline says")
      ->check(CLI::IsMember({"csv", "jsonl"}));
}

}  // namespace troupe
