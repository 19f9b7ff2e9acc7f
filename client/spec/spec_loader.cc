#include "client/spec/spec_loader.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/spec/config_node.h"
#include "client/spec/source_line.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status =
      std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return FileNotFound(path);
  if (std::filesystem::is_directory(status))
    return BadConfig(path, {}, "a directory, not a file");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return BadConfig(path, {}, "cannot be read");
  // One byte more than allowed, so that ParseConfig sees the excess.
  std::string text(ConfigLimits().max_text_bytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  return text;
}

// `steps[2].impute.columns` -> `steps[2].impute` -> `steps[2]` -> `steps`.
std::string Parent(const std::string& path) {
  const size_t end = path.find_last_of(".[");
  return end == std::string::npos ? "" : path.substr(0, end);
}

// `steps[2].impute` -> `steps`.
std::string Root(const std::string& path) {
  return path.substr(0, path.find_first_of(".["));
}

// The error of ParseSpec with the line of the text below each of its own.
absl::Status WithSourceLines(const absl::Status& status,
                             const std::string& text) {
  const ErrorMetadata metadata = MetadataOf(status);
  const std::string message(status.message());
  std::vector<std::string> lines = absl::StrSplit(message, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    Position place;
    if (absl::SimpleAtoi(MetadataAt(metadata, "yaml_line", i), &place.line) &&
        absl::SimpleAtoi(MetadataAt(metadata, "yaml_column", i), &place.column))
      lines[i] += SourceLine(text, place);
  }
  return MakeError(status.code(), ReasonOf(status), absl::StrJoin(lines, "\n"),
                   metadata);
}

}  // namespace

absl::Status LoadedSpec::Locate(const absl::Status& status) const {
  ErrorMetadata metadata = MetadataOf(status);
  if (status.ok() || metadata.count("field") == 0) return status;
  const std::string message(status.message());
  std::vector<std::string> lines = absl::StrSplit(message, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    std::string path = MetadataAt(metadata, "field", i);
    if (pb::PipelineSpec::descriptor()->FindFieldByName(Root(path)) == nullptr)
      continue;
    auto found = positions.find(path);
    while (found == positions.end() && !path.empty()) {
      path = Parent(path);
      found = positions.find(path);
    }
    if (found == positions.end()) {
      lines[i] = absl::StrCat(file, ": ", lines[i]);
      continue;
    }
    const Position place = found->second;
    lines[i] =
        absl::StrCat(file, ":", place.line, ":", place.column, ": ", lines[i],
                     text.empty() ? "" : SourceLine(text, place));
    metadata.emplace(KeyAt("yaml_line", i), absl::StrCat(place.line));
    metadata.emplace(KeyAt("yaml_column", i), absl::StrCat(place.column));
  }
  return MakeError(status.code(), ReasonOf(status), absl::StrJoin(lines, "\n"),
                   metadata);
}

absl::StatusOr<LoadedSpec> ParseSpec(const std::string& text,
                                     absl::string_view file) {
  ASSIGN_OR_RETURN(const ConfigNode root, ParseConfig(text, file));
  LoadedSpec loaded;
  loaded.file = std::string(file);
  SpecReader reader;
  reader.Read(root, loaded.spec);
  std::vector<absl::Status> mistakes;
  for (const SpecMistake& mistake : reader.mistakes()) {
    const absl::Status error =
        BadConfig(file, mistake.position, mistake.message);
    mistakes.push_back(mistake.field.empty()
                           ? error
                           : WithMetadata(error, "field", mistake.field));
  }
  if (!mistakes.empty()) return Together(mistakes);
  loaded.positions = reader.positions();
  return loaded;
}

absl::StatusOr<LoadedSpec> LoadSpec(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadWhole(path));
  absl::StatusOr<LoadedSpec> loaded = ParseSpec(text, path);
  if (!loaded.ok()) return WithSourceLines(loaded.status(), text);
  loaded->text = std::move(text);
  return loaded;
}

}  // namespace troupe
