// troupe predict: answers rows at once.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/cli/commands/commands.h"
#include "client/cli/file_chunks.h"
#include "client/cli/options.h"
#include "client/cli/text_format.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr char kPredictExamples[] =
    "  troupe predict cancer --input rows.jsonl\n"
    "  troupe predict churn@2 '{\"age\": 41, \"plan\": \"pro\", ...}'\n";

// What one request may carry; more rows go in several.
constexpr int64_t kRequestRows = 1024;
constexpr size_t kRequestBytes = size_t{2} << 20;

// The rows of one request, and what to do with its answers.
struct PredictedRows {
  Session& session;
  std::string pipeline;
  std::string lines = {};
  int64_t rows = 0;
  int64_t read = 0;  // In the requests before.
  int64_t bad = 0;

  absl::Status Add(absl::string_view line) {
    if (line.find_first_not_of(" \t\r") == absl::string_view::npos)
      return absl::OkStatus();
    absl::StrAppend(&lines, line, "\n");
    return ++rows >= kRequestRows || lines.size() >= kRequestBytes
               ? Send()
               : absl::OkStatus();
  }

  absl::Status Send() {
    if (rows == 0) return absl::OkStatus();
    pb::PredictRequest request;
    request.set_pipeline(pipeline);
    request.set_json_lines(std::exchange(lines, {}));
    ASSIGN_OR_RETURN(const pb::PredictResponse response,
                     session.client().Predict(request));
    for (int i = 0; i < response.rows_size(); ++i)
      RETURN_IF_ERROR(Print(read + i + 1, response.rows(i)));
    // What was answered is there while the next request is under way.
    session.out.flush();
    read += std::exchange(rows, 0);
    return session.out ? absl::OkStatus()
                       : MakeError(absl::StatusCode::kDataLoss, "WRITE_FAILED",
                                   "standard output cannot be written");
  }

  absl::Status Print(int64_t row, const pb::PredictedRow& answer) {
    if (answer.has_error()) {
      ++bad;
      session.Note(absl::StrCat("row ", row, ": ", answer.error().reason(),
                                ": ", Printable(answer.error().message())));
    }
    if (session.json) return session.PrintJson(answer, true);
    // A row has a line whatever became of it.
    session.out << (answer.has_error() ? "null" : answer.json()) << "\n";
    return absl::OkStatus();
  }
};

absl::Status ReadFile(const std::string& path, PredictedRows& rows) {
  ASSIGN_OR_RETURN(const auto chunks,
                   FileChunks::Open(path, pb::COMPRESSION_UNSPECIFIED));
  std::string rest;
  while (true) {
    ASSIGN_OR_RETURN(const std::string chunk, chunks->Next());
    rest += chunk;
    size_t begin = 0;
    for (size_t end = rest.find('\n'); end != std::string::npos;
         end = rest.find('\n', begin)) {
      RETURN_IF_ERROR(
          rows.Add(absl::string_view(rest).substr(begin, end - begin)));
      begin = end + 1;
    }
    rest.erase(0, begin);
    if (chunk.empty()) break;
  }
  RETURN_IF_ERROR(rows.Add(rest));
  return rows.Send();
}

absl::StatusOr<ExitCode> Predict(Session& session, const std::string& pipeline,
                                 const std::vector<std::string>& objects,
                                 const std::string& path) {
  if (objects.empty() == path.empty())
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_USAGE",
                     "give rows as JSON objects, or a file of them by --input "
                     "(\"-\" for standard input)");
  PredictedRows rows{session, pipeline};
  for (const std::string& object : objects) {
    // A line is a row; JSON has no line breaks but between its words.
    RETURN_IF_ERROR(
        rows.Add(absl::StrReplaceAll(object, {{"\n", " "}, {"\r", " "}})));
  }
  RETURN_IF_ERROR(path.empty() ? rows.Send() : ReadFile(path, rows));
  return rows.bad == 0 ? kDone : kPartial;
}

}  // namespace

void AddPredict(CLI::App& app, Session& session) {
  CLI::App* command =
      AddCommand(app, session, "predict",
                 "Answers rows at once: JSON objects in, JSON objects out, a "
                 "line each",
                 kPredictExamples);
  auto pipeline = std::make_shared<std::string>();
  auto objects = std::make_shared<std::vector<std::string>>();
  auto path = std::make_shared<std::string>();
  command->add_option("pipeline", *pipeline, "its newest version, or NAME@N")
      ->required()
      ->type_name("NAME[@N]");
  command
      ->add_option("rows", *objects,
                   "rows by column name; null is a missing value")
      ->type_name("JSON");
  command
      ->add_option("--input,-i", *path,
                   "a file of JSON Lines in their place, \"-\" for standard "
                   "input; *.gz and *.zst, too")
      ->type_name("FILE");
  command->callback([&session, pipeline, objects, path] {
    session.command = [&session, pipeline, objects, path] {
      return Predict(session, *pipeline, *objects, *path);
    };
  });
}

}  // namespace troupe
