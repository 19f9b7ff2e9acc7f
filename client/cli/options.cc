#include "client/cli/options.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/spec/spec_words.h"
#include "services/base/errors.h"
#include "services/base/nearest.h"
#include "services/base/status_macros.h"
#include "services/table/file_names.h"

namespace troupe {
namespace {

// The group of the options that every command has.
constexpr char kEverywhere[] = "With every command";

std::string OneOf(const google::protobuf::EnumDescriptor& type) {
  std::string words;
  for (const std::string& word : EnumWords(type))
    absl::StrAppend(&words, words.empty() ? "" : " | ", word);
  return words;
}

// Where `may_be_none`, there may also be none of it.
CLI::Validator IsCharacter(bool may_be_none) {
  return CLI::Validator(
      [may_be_none](std::string& text) -> std::string {
        const bool none = may_be_none && (text.empty() || text == "none");
        if (none || text.size() == 1 || text == "\\t") return "";
        return absl::StrCat("\"", text, "\" is not one character");
      },
      "");
}

}  // namespace

absl::Status BadUsage(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_USAGE", what);
}

CLI::Validator IsWord(const google::protobuf::EnumDescriptor& type) {
  return CLI::Validator(
      [&type](std::string& word) -> std::string {
        if (EnumNumber(type, word).has_value()) return "";
        return absl::StrCat("\"", word, "\" is none of ", OneOf(type),
                            DidYouMean(word, EnumWords(type)));
      },
      OneOf(type));
}

CLI::App* AddCommand(CLI::App& app, Session& session, const std::string& name,
                     const std::string& description,
                     const std::string& examples) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer(absl::StrCat("Examples:\n", examples));
  command
      ->add_option("--coordinator", session.coordinator,
                   "where the coordinator listens (also TROUPE_COORDINATOR)")
      ->capture_default_str()
      ->type_name("HOST:PORT")
      ->group(kEverywhere);
  command
      ->add_option("--retry-for,--retry_for", session.retry_for,
                   "how long a lost connection is tried again")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->type_name("SECONDS")
      ->group(kEverywhere);
  command
      ->add_flag("--json", session.json,
                 "print the result as JSON (protobuf's form)")
      ->group(kEverywhere);
  command
      ->add_flag("--quiet,-q", session.quiet, "show no progress and no notes")
      ->group(kEverywhere);
  return command;
}

absl::Status CheckCsvOptions(const pb::CsvOptions& csv,
                             const pb::Source& source) {
  const pb::Format format = source.format() != pb::FORMAT_UNSPECIFIED
                                ? source.format()
                                : FormatOf(source.path());
  if (csv.ByteSizeLong() == 0 || format != pb::JSONL) return absl::OkStatus();
  return BadUsage(absl::StrCat(
      "\"", source.path(),
      "\" is read as JSON Lines, for which options of CSV mean nothing"));
}

absl::Status InputOptions::Apply(const pb::Source& stored,
                                 pb::Source& source) const {
  if (!format.empty())
    source.set_format(static_cast<pb::Format>(
        EnumNumber(*pb::Format_descriptor(), format).value_or(0)));
  source.set_path(path);
  RETURN_IF_ERROR(CheckCsvOptions(csv, source));
  if (csv.ByteSizeLong() > 0) ReplaceCsvOptions(csv, *source.mutable_csv());
  if (!on_bad_row.empty())
    source.set_on_bad_row(static_cast<pb::BadRowPolicy>(
        EnumNumber(*pb::BadRowPolicy_descriptor(), on_bad_row).value_or(0)));
  if (max_rejects.empty()) return absl::OkStatus();
  const std::optional<double> share = ParseShare(max_rejects);
  if (!share.has_value() || *share < 0 || *share > 1)
    return BadUsage(
        absl::StrCat("--max-rejects takes a share such as 0.01 or 1%, not \"",
                     max_rejects, "\""));
  const pb::BadRowPolicy policy =
      on_bad_row.empty() ? stored.on_bad_row() : source.on_bad_row();
  if (policy != pb::REJECT)
    return BadUsage(
        "--max-rejects means something only with --on-bad-row reject: the "
        "first bad row ends this job");
  source.set_max_rejects(*share);
  return absl::OkStatus();
}

void AddCsvOptions(CLI::App& command, pb::CsvOptions& csv) {
  const auto add_character = [&](const char* name, const char* description,
                                 bool may_be_none, auto set) {
    command
        .add_option_function<std::string>(
            name,
            [&csv, set](const std::string& text) {
              set(csv, text == "\\t" ? "\t" : text == "none" ? "" : text);
            },
            description)
        ->check(IsCharacter(may_be_none))
        ->type_name("CHARACTER")
        ->group("CSV");
  };
  const auto add_list = [&](const char* name, const char* description,
                            auto list) {
    command
        .add_option_function<std::vector<std::string>>(
            name,
            [&csv, list](const std::vector<std::string>& words) {
              list(csv)->Assign(words.begin(), words.end());
            },
            description)
        ->delimiter(',')
        ->type_name("WORD,...")
        ->group("CSV");
  };
  const auto add_flag = [&](const char* name, const char* description,
                            auto set) {
    command
        .add_flag_function(
            name, [&csv, set](int64_t count) { set(csv, count > 0); },
            description)
        ->group("CSV");
  };
  add_character("--delimiter", "what separates fields", false,
                [](auto& to, const auto& text) { to.set_delimiter(text); });
  add_character("--decimal", "what stands for the decimal point", false,
                [](auto& to, const auto& text) { to.set_decimal(text); });
  add_character("--thousands",
                "what may stand between groups of digits; none: nothing may",
                true,
                [](auto& to, const auto& text) { to.set_thousands(text); });
  add_character("--quote", "what quotes fields; none: nothing does", true,
                [](auto& to, const auto& text) { to.set_quote(text); });
  add_character("--escape",
                "whatever follows it stands for itself; none: nothing does",
                true, [](auto& to, const auto& text) { to.set_escape(text); });
  add_character("--comment",
                "what follows it in a line is ignored; none: nothing is", true,
                [](auto& to, const auto& text) { to.set_comment(text); });
  command
      .add_option_function<std::string>(
          "--encoding",
          [&csv](const std::string& name) { csv.set_encoding(name); },
          "utf-8, latin-1 (windows-1252), utf-16, utf-16-le or utf-16-be")
      ->type_name("NAME")
      ->group("CSV");
  command
      .add_option_function<int32_t>(
          "--skip-rows", [&csv](int32_t lines) { csv.set_skip_rows(lines); },
          "lines to pass over at the beginning")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("LINES")
      ->group("CSV");
  add_list("--names", "the columns' names; the file then has no header",
           [](auto& to) { return to.mutable_names(); });
  add_flag("--header,!--no-header", "whether the first record is the header",
           [](auto& to, bool value) { to.set_header(value); });
  add_flag("--skip-initial-space,!--no-skip-initial-space",
           "whether spaces after a delimiter are no part of a field",
           [](auto& to, bool value) { to.set_skip_initial_space(value); });
  add_list("--na-values", "further words for missing values",
           [](auto& to) { return to.mutable_na_values(); });
  add_flag("--default-na,!--no-default-na",
           "whether NA, null, the empty field and such are missing values",
           [](auto& to, bool value) { to.set_keep_default_na(value); });
  add_flag("--quoted-na,!--no-quoted-na",
           "whether quoted fields can be missing values",
           [](auto& to, bool value) { to.set_quoted_na(value); });
  add_list("--true-values", "further words for true",
           [](auto& to) { return to.mutable_true_values(); });
  add_list("--false-values", "further words for false",
           [](auto& to) { return to.mutable_false_values(); });
  const auto& policy = *pb::CsvOptions::ShortRows_descriptor();
  command
      .add_option_function<std::string>(
          "--on-short-row",
          [&csv, &policy](const std::string& word) {
            csv.set_on_short_row(static_cast<pb::CsvOptions::ShortRows>(
                EnumNumber(policy, word).value_or(0)));
          },
          "what a row of too few fields does")
      ->check(IsWord(policy))
      ->group("CSV");
}

void ReplaceCsvOptions(const pb::CsvOptions& changes, pb::CsvOptions& csv) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  changes.GetReflection()->ListFields(changes, &fields);
  for (const auto* field : fields) csv.GetReflection()->ClearField(&csv, field);
  csv.MergeFrom(changes);
}

void AddInputOptions(CLI::App& command, InputOptions& options) {
  command
      .add_flag("--remote", options.remote,
                "let the loader read the path itself, below its roots; "
                "otherwise a file on this machine is sent")
      ->group("Input");
  command
      .add_option("--input-format", options.format,
                  "how the input is written; default: as the pipeline or the "
                  "file's ending says")
      ->check(IsWord(*pb::Format_descriptor()))
      ->group("Input");
  AddCsvOptions(command, options.csv);
  command
      .add_option("--on-bad-row", options.on_bad_row,
                  "what a row does that cannot be read or transformed")
      ->check(IsWord(*pb::BadRowPolicy_descriptor()))
      ->group("Input");
  command
      .add_option("--max-rejects", options.max_rejects,
                  "with --on-bad-row reject: the highest share of bad rows")
      ->type_name("SHARE")
      ->group("Input");
}

pb::Format OutputOptions::chosen_format() const {
  if (!format.empty())
    return static_cast<pb::Format>(
        EnumNumber(*pb::Format_descriptor(), format).value_or(0));
  return FormatOf(path);
}

absl::Status OutputOptions::Check() const {
  const absl::string_view name = WithoutCompression(path);
  const size_t dot = name.find_last_of("./");
  if (dot == absl::string_view::npos || name[dot] == '/' ||
      FormatOf(path) != pb::FORMAT_UNSPECIFIED)
    return absl::OkStatus();
  const absl::string_view ending = name.substr(dot);
  // "results.2024" and ".hidden" have none.
  if (dot == 0 || name[dot - 1] == '/' ||
      std::none_of(ending.begin(), ending.end(), absl::ascii_isalpha))
    return absl::OkStatus();
  static constexpr absl::string_view kPacked[] = {".bz2", ".xz", ".zip",
                                                  ".lz4", ".br", ".7z"};
  const bool packed =
      std::find(std::begin(kPacked), std::end(kPacked),
                absl::AsciiStrToLower(ending)) != std::end(kPacked);
  if (!format.empty() && !packed) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_OUTPUT",
      absl::StrCat("the output \"", path, "\" cannot be written: \"", ending,
                   "\" is none of .csv, .tsv, .tab, .jsonl and .ndjson, each "
                   "alone or before .gz or .zst",
                   packed ? "" : "; --format says what else it is to hold"));
}

void AddRejectsOption(CLI::App& command, OutputOptions& options) {
  command
      .add_option("--rejects", options.rejects,
                  "where rejected rows go, \"-\" for standard output; default: "
                  "beside the output, in FILE.rejects.jsonl")
      ->type_name("FILE")
      ->group("Output");
}

void AddSubmitOptions(CLI::App& command, Session& session) {
  command
      .add_flag("--detach,-d", session.detach,
                "print the job's id and leave; `troupe wait` waits for it, "
                "`troupe fetch` writes its output")
      ->group("Job");
  command
      .add_option("--request-id", session.request_id,
                  "a name of the caller's for this job: the same one again is "
                  "the same job")
      ->type_name("ID")
      ->group("Job");
}

void AddOutputOptions(CLI::App& command, OutputOptions& options) {
  AddRejectsOption(command, options);
  command
      .add_option("--output,-o", options.path,
                  "the file to write, \"-\" for standard output; .gz and .zst "
                  "compress; it appears when it is complete")
      ->type_name("FILE")
      ->group("Output");
  command
      .add_option("--format", options.format,
                  "csv | tsv | jsonl; default: by the file's ending, or as the "
                  "pipeline says")
      ->check(IsWord(*pb::Format_descriptor()))
      ->group("Output");
}

}  // namespace troupe
