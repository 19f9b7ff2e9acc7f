// troupe init: drafts a pipeline file for a table.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/commands/commands.h"
#include "client/cli/file_chunks.h"
#include "client/cli/input_guess.h"
#include "client/cli/job_run.h"
#include "client/cli/options.h"
#include "client/cli/output_file.h"
#include "client/cli/pipeline_draft.h"
#include "client/cli/table_profile.h"
#include "client/spec/spec_loader.h"
#include "google/protobuf/struct.pb.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/file_names.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

constexpr char kInitExamples[] =
    "  troupe init churn.csv --output churn.yaml\n"
    "  troupe init churn.csv --target churned > churn.yaml\n"
    "  troupe init adult.data --no-header --output adult.yaml\n";

// So much of a table is looked at.
constexpr size_t kSampleBytes = size_t{2} << 20;

struct InitOptions {
  InputOptions input;
  std::string output;
  bool force = false;
  std::string name;
  std::string target;
};

// The input as this command reads it: a sample that was sent, or, below the
// loader's roots, the file itself.
struct Sample {
  std::string file;  // "" where the loader has it.
  std::string text;  // Of the file.
  bool whole = true;
  pb::Source source;
  std::vector<std::string> jobs;  // That have read it; with them it goes.
};

// The beginning of a local file, to the last line end.
absl::StatusOr<std::string> ReadSample(const std::string& path,
                                       pb::Compression compression,
                                       bool* whole) {
  ASSIGN_OR_RETURN(const auto chunks, FileChunks::Open(path, compression));
  std::string text;
  *whole = true;
  while (true) {
    ASSIGN_OR_RETURN(const std::string chunk, chunks->Next());
    if (chunk.empty()) return text;
    text += chunk;
    if (text.size() < kSampleBytes) continue;
    *whole = false;
    const size_t end = text.rfind('\n');
    if (end != std::string::npos) text.resize(end + 1);
    return text;
  }
}

absl::StatusOr<std::string> SendSample(CoordinatorClient& client,
                                       const std::string& path,
                                       const std::string& text) {
  size_t sent = 0;
  const auto response = client.Upload(
      std::string(WithoutCompression(fs::path(path).filename().string())),
      [&]() -> absl::StatusOr<std::string> {
        constexpr size_t kPiece = size_t{1} << 20;
        const std::string piece = text.substr(sent, kPiece);
        sent += piece.size();
        return piece;
      });
  RETURN_IF_ERROR(response.status());
  return response->id();
}

// Reads the sample as `sample.source` says.
absl::StatusOr<TableProfile> Profile(Session& session, Sample& sample) {
  pb::CreateJobRequest request;
  request.set_kind(pb::INSPECT);
  *request.mutable_source() = sample.source;
  CoordinatorClient& client = session.client();
  if (!sample.file.empty()) {
    request.mutable_source()->clear_path();
    // Each time anew: an upload goes with the first job that has read it.
    ASSIGN_OR_RETURN(const std::string upload,
                     SendSample(client, sample.file, sample.text));
    request.set_upload(upload);
  }
  // The last record of a sample may be half of one.
  request.mutable_source()->set_on_bad_row(pb::REJECT);
  request.mutable_source()->set_max_rejects(1);
  request.set_write_output(true);
  request.mutable_output()->set_format(pb::JSONL);
  ASSIGN_OR_RETURN(const pb::Job created,
                   client.CreateJob(request, absl::Minutes(2)));
  sample.jobs.push_back(created.id());
  ASSIGN_OR_RETURN(const pb::Job job, FollowJob(session, created.id()));
  RETURN_IF_ERROR(JobError(job));
  TableProfile profile(job.report());
  std::string rest;
  for (const pb::Part& part : job.manifest().parts()) {
    const absl::Status read = client.ReadOutput(
        job.id(), part.name(), 0, [&](absl::string_view chunk) -> absl::Status {
          rest.append(chunk.data(), chunk.size());
          size_t begin = 0;
          for (size_t end = rest.find('\n'); end != std::string::npos;
               end = rest.find('\n', begin)) {
            RETURN_IF_ERROR(profile.Add(
                absl::string_view(rest).substr(begin, end - begin)));
            begin = end + 1;
          }
          rest.erase(0, begin);
          return absl::OkStatus();
        });
    RETURN_IF_ERROR(read);
  }
  return profile;
}

// Leaves nothing of it behind; what cannot be deleted now goes by itself.
void Forget(Session& session, const Sample& sample) {
  for (const std::string& id : sample.jobs) {
    pb::DeleteJobRequest request;
    request.set_id(id);
    session.client().DeleteJob(request).IgnoreError();
  }
}

// Looks again where the values say that the table is read otherwise.
absl::StatusOr<TableProfile> ProfileAsGuessed(Session& session,
                                              Sample& sample) {
  ASSIGN_OR_RETURN(TableProfile profile, Profile(session, sample));
  pb::CsvOptions& csv = *sample.source.mutable_csv();
  constexpr int kLooks = 4;
  for (int look = 0; look < kLooks; ++look) {
    bool again = false;
    if (!csv.has_header() && csv.names_size() == 0 &&
        NamesLookLikeValues(profile)) {
      csv.set_header(false);
      again = true;
    }
    again |= AdjustDialect(profile, csv);
    if (!again) break;
    ASSIGN_OR_RETURN(profile, Profile(session, sample));
  }
  if (csv.ByteSizeLong() == 0) sample.source.clear_csv();
  return profile;
}

// The path of the data as the file says it: beside the file, or as it is.
std::string PathInFile(const std::string& data, const std::string& output) {
  if (output.empty() || output == "-") return data;
  std::error_code error;
  const fs::path relative = fs::proximate(
      fs::absolute(data), fs::absolute(output).parent_path(), error);
  return error ? data : relative.generic_string();
}

absl::Status CheckNew(const InitOptions& options) {
  std::error_code error;
  if (options.output.empty() || options.output == "-" || options.force ||
      !fs::is_regular_file(options.output, error))
    return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "FILE_EXISTS",
                   absl::StrCat("\"", options.output,
                                "\" is there already; --force writes over it"));
}

absl::StatusOr<std::string> Draft(Session& session,
                                  const InitOptions& options) {
  const InputChoice input = options.input.choice();
  Sample sample;
  RETURN_IF_ERROR(options.input.Apply(pb::Source(), sample.source));
  sample.source.set_path(input.path);
  std::optional<std::string> file;
  if (!input.remote) {
    ASSIGN_OR_RETURN(file, FindLocalFile(input.path, input.directories));
  }
  if (file.has_value()) {
    ASSIGN_OR_RETURN(const std::optional<pb::Source> guess,
                     GuessInput(input, sample.source));
    if (guess.has_value()) sample.source.MergeFrom(*guess);
    sample.file = *file;
    ASSIGN_OR_RETURN(sample.text, ReadSample(*file, pb::COMPRESSION_UNSPECIFIED,
                                             &sample.whole));
  }
  absl::StatusOr<TableProfile> profile = ProfileAsGuessed(session, sample);
  Forget(session, sample);
  if (ReasonOf(profile.status()) == "FILE_NOT_FOUND")
    return InputNotFound(input, profile.status());
  RETURN_IF_ERROR(profile.status());
  DraftOptions draft;
  draft.name =
      options.name.empty()
          ? PipelineName(fs::path(std::string(WithoutCompression(input.path)))
                             .stem()
                             .string())
          : options.name;
  draft.source = sample.source;
  draft.source.set_path(file.has_value() ? PathInFile(*file, options.output)
                                         : input.path);
  draft.target = options.target;
  draft.whole = sample.whole;
  draft.command = absl::StrCat("troupe train ",
                               options.output.empty() || options.output == "-"
                                   ? "THIS_FILE"
                                   : options.output,
                               file.has_value() ? "" : " --remote");
  ASSIGN_OR_RETURN(const std::string text, DraftPipeline(*profile, draft));
  // A draft that its own reader refuses is our mistake, and none to hand out.
  RETURN_IF_ERROR(ParseSpec(text, "the draft").status());
  return text;
}

absl::StatusOr<ExitCode> Init(Session& session, const InitOptions& options) {
  RETURN_IF_ERROR(CheckNew(options));
  const bool to_file = !options.output.empty() && options.output != "-";
  std::unique_ptr<OutputFile> target;
  if (to_file) {
    ASSIGN_OR_RETURN(target, OutputFile::Create(options.output, session.out,
                                                session.followed));
  }
  ASSIGN_OR_RETURN(const std::string text, Draft(session, options));
  if (to_file) {
    RETURN_IF_ERROR(target->Write(text));
    RETURN_IF_ERROR(target->Commit());
    session.Note(absl::StrCat(options.output,
                              " is written; read its guesses, "
                              "then: troupe train ",
                              options.output));
  }
  if (session.json) {
    google::protobuf::Struct document;
    (*document.mutable_fields())["yaml"].set_string_value(text);
    if (to_file)
      (*document.mutable_fields())["output"].set_string_value(options.output);
    RETURN_IF_ERROR(session.PrintJson(document));
  } else if (!to_file) {
    session.out << text;
  }
  return kDone;
}

}  // namespace

void AddInit(CLI::App& app, Session& session) {
  CLI::App* command = AddCommand(
      app, session, "init",
      "Writes a commented pipeline file for a table, to be read and changed",
      kInitExamples);
  auto options = std::make_shared<InitOptions>();
  command->add_option("file", options->input.path, "the table")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--output,-o", options->output,
                   "the file to write; default: standard output")
      ->type_name("FILE.yaml");
  command->add_flag("--force", options->force,
                    "write over a file that is there");
  command
      ->add_option("--name", options->name,
                   "the pipeline's name; default: the table's")
      ->type_name("NAME");
  command
      ->add_option("--target", options->target,
                   "the column to predict; default: guessed")
      ->type_name("COLUMN");
  AddInputOptions(*command, options->input);
  command->callback([&session, options] {
    session.command = [&session, options] { return Init(session, *options); };
  });
}

}  // namespace troupe
