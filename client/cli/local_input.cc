#include "client/cli/local_input.h"

#include <glob.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "client/cli/file_chunks.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/table/file_names.h"

namespace troupe {
namespace {

namespace fs = std::filesystem;

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

absl::StatusOr<std::string> UploadChunks(CoordinatorClient& client,
                                         const std::string& path,
                                         FileChunks& chunks,
                                         ProgressView& progress) {
  const std::string name(
      WithoutCompression(fs::path(path).filename().string()));
  // The client may report its own end of the call; the file's error comes
  // first.
  absl::Status read;
  const auto response =
      client.Upload(name, [&]() -> absl::StatusOr<std::string> {
        absl::StatusOr<std::string> chunk = chunks.Next();
        if (!chunk.ok()) read = chunk.status();
        progress.ShowTransfer("upload", chunks.bytes_read(),
                              chunks.bytes_total());
        return chunk;
      });
  progress.Finish();
  RETURN_IF_ERROR(read);
  RETURN_IF_ERROR(response.status());
  return response->id();
}

}  // namespace

absl::StatusOr<std::optional<std::string>> FindLocalFile(
    const std::string& path, const std::vector<std::string>& directories) {
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
    // From the beginning, so not what comes through a pipe.
    if (chunks->bytes_total() == 0 || !client.AgainAfter(id.status()))
      return id;
  }
}

absl::StatusOr<std::string> SendInput(CoordinatorClient& client,
                                      const InputChoice& choice,
                                      pb::Source& source,
                                      ProgressView& progress) {
  source.set_path(choice.path);
  if (choice.remote || choice.path.empty()) return "";
  ASSIGN_OR_RETURN(const std::optional<std::string> file,
                   FindLocalFile(choice.path, choice.directories));
  if (!file.has_value()) return "";
  return UploadFile(client, *file, source.compression(), progress);
}

}  // namespace troupe
