#include "client/spec/spec_loader.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/spec/config_node.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"

namespace troupe {
namespace {

constexpr double kDefaultTestShare = 0.2;

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

}  // namespace

absl::Status LoadedSpec::Locate(const absl::Status& status) const {
  const ErrorMetadata metadata = MetadataOf(status);
  const auto field = metadata.find("field");
  if (status.ok() || field == metadata.end()) return status;
  for (std::string path = field->second; !path.empty(); path = Parent(path)) {
    const auto found = positions.find(path);
    if (found == positions.end()) continue;
    return WithPrefix(status, absl::StrCat(file, ":", found->second.line, ":",
                                           found->second.column));
  }
  return WithPrefix(status, file);
}

absl::StatusOr<LoadedSpec> ParseSpec(const std::string& text,
                                     absl::string_view file) {
  ASSIGN_OR_RETURN(const ConfigNode root, ParseConfig(text, file));
  LoadedSpec loaded;
  loaded.file = std::string(file);
  SpecReader reader(file);
  reader.Read(root, loaded.spec);
  if (!reader.mistakes().empty())
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_SPEC",
                     absl::StrJoin(reader.mistakes(), "\n"));
  loaded.positions = reader.positions();
  const ConfigNode* split = root.Find("split");
  const ConfigNode* test = split == nullptr ? nullptr : split->Find("test");
  if (test == nullptr || test->kind == ConfigNode::Kind::kNull)
    loaded.spec.mutable_split()->set_test(kDefaultTestShare);
  return loaded;
}

absl::StatusOr<LoadedSpec> LoadSpec(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadWhole(path));
  return ParseSpec(text, path);
}

}  // namespace troupe
