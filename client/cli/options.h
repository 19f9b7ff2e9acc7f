// Options that several commands take. Each Add function binds to an object that
// must live as long as the App.
//
// Thread safety: one thread.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/local_input.h"
#include "client/cli/session.h"
#include "google/protobuf/descriptor.h"
#include "proto/pb.h"
#include "troupe/v1/coordinator.pb.h"

namespace troupe {

// Makes a subcommand with --coordinator, --json and --quiet. `examples` end its
// help.
CLI::App* AddCommand(CLI::App& app, Session& session, const std::string& name,
                     const std::string& description,
                     const std::string& examples);

// INVALID_ARGUMENT (BAD_USAGE): the command line says what cannot be meant.
absl::Status BadUsage(absl::string_view what);

// Accepts the words for a value of `type` (spec_words.h).
CLI::Validator IsWord(const google::protobuf::EnumDescriptor& type);

// Where a job's rows come from.
struct InputOptions {
  std::string path;
  bool remote = false;
  std::string format;  // "" for what the pipeline or the ending says.
  pb::CsvOptions csv;  // What is not set is likewise.
  std::string on_bad_row;
  std::string max_rejects;

  InputChoice choice() const { return {path, {""}, remote}; }
  // Puts everything but the path into `source`. `stored` is what the pipeline
  // says where nothing is given. INVALID_ARGUMENT (BAD_USAGE), also for what
  // means nothing for this input.
  absl::Status Apply(const pb::Source& stored, pb::Source& source) const;
};
// All but the path's own option, which commands name differently.
void AddInputOptions(CLI::App& command, InputOptions& options);

// How CSV is read: one option per field of CsvOptions.
void AddCsvOptions(CLI::App& command, pb::CsvOptions& csv);
// Refuses options of CSV for an input that `source` says to be none.
absl::Status CheckCsvOptions(const pb::CsvOptions& csv,
                             const pb::Source& source);
// Puts what is set in `changes` in place of what `csv` says.
void ReplaceCsvOptions(const pb::CsvOptions& changes, pb::CsvOptions& csv);

// Where a job's result goes and how it is written.
struct OutputOptions {
  std::string path;
  std::string format;  // "" for what the ending of `path` or the pipeline says.
  std::string rejects = {};  // Where rejected rows go; "" for beside `path`.

  // FORMAT_UNSPECIFIED where nothing says anything.
  pb::Format chosen_format() const;
  // INVALID_ARGUMENT (BAD_OUTPUT) when `path` ends in what cannot be written:
  // another packing, or a format that nobody named.
  absl::Status Check() const;
};
void AddOutputOptions(CLI::App& command, OutputOptions& options);
// --rejects alone; AddOutputOptions has it.
void AddRejectsOption(CLI::App& command, OutputOptions& options);

// --detach and --request-id.
void AddSubmitOptions(CLI::App& command, Session& session);

}  // namespace troupe
