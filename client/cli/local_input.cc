#include "client/cli/local_input.h"

#include <glob.h>

#include <filesystem>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/file_chunks.h"
#include "services/base/errors.h"
#include "services/base/nearest.h"
#include "services/base/status_macros.h"
#include "services/table/file_names.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

// Of a directory, so many are compared with a wrong one.
constexpr size_t kMostNames = 1000;

bool IsFile(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return fs::exists(status) && !fs::is_directory(status);
}

std::vector<std::string> Expand(const std::string& pattern) {
  glob_t matches = {};
  std::vector<std::string> files;
  if (glob(pattern.c_str(), 0, nullptr, &matches) == 0) {
    for (size_t i = 0; i < matches.gl_pathc; ++i)
      if (IsFile(matches.gl_pathv[i])) files.emplace_back(matches.gl_pathv[i]);
  }
  globfree(&matches);
  return files;
}

// What the upload is called: a file's own name, whose ending tells the format.
// Standard input has none, so its first line tells.
std::string UploadName(const std::string& path, absl::string_view beginning) {
  if (path != kStandardInput)
    return std::string(WithoutCompression(fs::path(path).filename().string()));
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(beginning);
  return absl::StartsWith(text, "{") ? "stdin.jsonl" : "stdin.csv";
}

absl::StatusOr<std::string> UploadChunks(CoordinatorClient& client,
                                         const std::string& path,
                                         FileChunks& chunks,
                                         ProgressView& progress) {
  // The client may report its own end of the call; the file's error comes
  // first.
  absl::Status read;
  const auto next = [&]() -> absl::StatusOr<std::string> {
    absl::StatusOr<std::string> chunk = chunks.Next();
    if (!chunk.ok()) read = chunk.status();
    progress.ShowTransfer("upload", chunks.bytes_read(), chunks.bytes_total());
    return chunk;
  };
  ASSIGN_OR_RETURN(std::string first, next());
  const auto response = client.Upload(
      UploadName(path, first), [&]() -> absl::StatusOr<std::string> {
        return first.empty() ? next() : std::exchange(first, "");
      });
  progress.Finish();
  RETURN_IF_ERROR(read);
  RETURN_IF_ERROR(response.status());
  return response->id();
}

}  // namespace

absl::StatusOr<std::optional<std::string>> FindLocalFile(
    const std::string& path, const std::vector<std::string>& directories) {
  if (path == kStandardInput) return path;
  for (const std::string& directory : directories) {
    // An absolute path stays itself.
    const std::string candidate = (fs::path(directory) / path).string();
    if (IsFile(candidate)) return candidate;
    if (path.find_first_of("*?[") == std::string::npos) continue;
    const std::vector<std::string> files = Expand(candidate);
    if (files.size() > 1)
      return MakeError(
          absl::StatusCode::kInvalidArgument, "SEVERAL_FILES",
          absl::StrCat("\"", path, "\" matches ", files.size(),
                       " files on this machine, but only one can be sent; put "
                       "them below one of the loader's --roots and add "
                       "--remote, or name one of them"));
    if (files.size() == 1) return files[0];
  }
  return std::nullopt;
}

absl::StatusOr<std::string> UploadFile(CoordinatorClient& client,
                                       const std::string& path,
                                       pb::Compression compression,
                                       ProgressView& progress) {
  while (true) {
    ASSIGN_OR_RETURN(const auto chunks, FileChunks::Open(path, compression));
    const auto id = UploadChunks(client, path, *chunks, progress);
    if (id.ok()) return id;
    // From the beginning, so not what comes through a pipe.
    const bool once = path == kStandardInput || chunks->bytes_total() == 0;
    if (once && absl::IsUnavailable(id.status()))
      return WithPrefix(id.status(),
                        absl::StrCat("\"", path,
                                     "\" cannot be read a second time; send it "
                                     "again once there is a connection"));
    if (once || !client.AgainAfter(id.status())) return id;
  }
}

absl::Status InputNotFound(const InputChoice& choice,
                           const absl::Status& loader) {
  if (choice.remote || choice.path.empty())
    return WithMetadata(loader, "field", "source.path");
  std::vector<std::string> looked_in;
  std::vector<std::string> names;
  std::error_code error;
  for (const std::string& directory : choice.directories) {
    const fs::path parent =
        fs::absolute(fs::path(directory) / choice.path, error)
            .lexically_normal()
            .parent_path();
    const std::string shown = absl::StrCat("\"", parent.string(), "\"");
    if (absl::c_linear_search(looked_in, shown)) continue;
    looked_in.push_back(shown);
    for (fs::directory_iterator entry(parent, error), end;
         !error && entry != end && names.size() < kMostNames;
         entry.increment(error))
      names.push_back(entry->path().filename().string());
  }
  return WithPrefix(
      WithMetadata(loader, "field", "source.path"),
      absl::StrCat("\"", choice.path, "\" is not on this machine (in ",
                   absl::StrJoin(looked_in, ", "), ")",
                   DidYouMean(fs::path(choice.path).filename().string(), names),
                   ", and the loader has it not"));
}

absl::StatusOr<std::string> SendInput(CoordinatorClient& client,
                                      const InputChoice& choice,
                                      pb::Source& source,
                                      ProgressView& progress) {
  source.set_path(choice.path);
  if (choice.remote && choice.path == kStandardInput)
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_USAGE",
                     "--remote has the loader read a path, and \"-\" is "
                     "standard input");
  if (choice.remote || choice.path.empty()) return "";
  ASSIGN_OR_RETURN(const std::optional<std::string> file,
                   FindLocalFile(choice.path, choice.directories));
  if (!file.has_value()) return "";
  return UploadFile(client, *file, source.compression(), progress);
}

}  // namespace troupe
