#include "services/loader/sources/roots.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/base/errors.h"
#include "services/base/status_macros.h"
#include "services/loader/sources/open_beneath.h"
#include "services/table/utf8.h"

namespace troupe::loader {
namespace {

// Every cursor lists all files.
constexpr size_t kMaxFiles = 10'000;

absl::Status OpenError(absl::string_view path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
      return FileNotFound(path);
    case EXDEV:
    case ELOOP:
      return OutsideRoots(path);
    case EACCES:
      return MakeError(absl::StatusCode::kPermissionDenied, "FILE_UNREADABLE",
                       absl::StrCat("the loader may not read \"", path, "\""),
                       {{"path", std::string(path)}});
    default:
      return absl::ErrnoToStatus(error, absl::StrCat("opening \"", path, "\""));
  }
}

pb::FileIdentity IdentityOf(const struct stat& found, std::string path) {
  pb::FileIdentity identity;
  identity.set_path(std::move(path));
  identity.set_bytes(found.st_size);
  identity.set_modified_ns(found.st_mtim.tv_sec * 1'000'000'000 +
                           found.st_mtim.tv_nsec);
  identity.set_inode(found.st_ino);
  return identity;
}

bool IsPattern(absl::string_view path) {
  return path.find_first_of("*?[") != absl::string_view::npos;
}

// The names in a directory that match.
std::vector<std::string> MatchingNames(FileDescriptor directory,
                                       const std::string& pattern) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(fdopendir(directory.get()),
                                                 closedir);
  if (open == nullptr) return names;
  directory.Release();
  while (const dirent* entry = readdir(open.get())) {
    const bool directory_entry = entry->d_type == DT_DIR;
    if (!directory_entry &&
        fnmatch(pattern.c_str(), entry->d_name, FNM_PERIOD) == 0)
      names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

absl::StatusOr<Roots> Roots::Open(absl::Span<const std::string> directories) {
  Roots roots;
  for (const std::string& path : directories) {
    Root root;
    root.directory =
        FileDescriptor(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<char, void (*)(void*)> real(
        realpath(path.c_str(), nullptr), std::free);
    if (!root.directory.valid() || real == nullptr)
      return MakeError(absl::StatusCode::kNotFound, "ROOT_NOT_FOUND",
                       absl::StrCat("--roots: no directory \"", path, "\""),
                       {{"path", path}});
    root.path = real.get();
    if (root.path == "/") root.path.clear();
    roots.roots_.push_back(std::move(root));
  }
  return roots;
}

absl::StatusOr<std::vector<Roots::Candidate>> Roots::Candidates(
    absl::string_view path) const {
  if (path.empty()) return BadSpec("source.path", "no path is given");
  std::vector<Candidate> candidates;
  for (const Root& root : roots_) {
    if (!absl::StartsWith(path, "/")) {
      candidates.push_back({&root, std::string(path), std::string(path)});
    } else if (absl::StartsWith(path, absl::StrCat(root.path, "/"))) {
      const absl::string_view below = path.substr(root.path.size() + 1);
      const bool first = &root == &roots_.front();
      candidates.push_back(
          {&root, std::string(below), std::string(first ? below : path)});
    }
  }
  if (candidates.empty()) return OutsideRoots(path);
  return candidates;
}

absl::StatusOr<OpenedFile> Roots::OpenFile(absl::string_view path) const {
  ASSIGN_OR_RETURN(const std::vector<Candidate> candidates, Candidates(path));
  int error = ENOENT;
  for (const Candidate& candidate : candidates) {
    OpenedFile file;
    file.descriptor = OpenBeneath(candidate.root->directory, candidate.below,
                                  O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file.descriptor.valid()) {
      // A real obstacle says more than a second root without such a file.
      if (error == ENOENT) error = errno;
      continue;
    }
    struct stat found = {};
    if (fstat(file.descriptor.get(), &found) != 0)
      return OpenError(path, errno);
    if (S_ISDIR(found.st_mode))
      return BadInput(path, 0, 0, "a directory; name a file or a pattern");
    if (!S_ISREG(found.st_mode))
      return BadInput(path, 0, 0, "not a regular file");
    file.identity = IdentityOf(found, candidate.shown);
    return file;
  }
  return OpenError(path, error);
}

absl::StatusOr<std::vector<std::string>> Roots::Match(
    const Candidate& pattern) {
  const size_t slash = pattern.below.rfind('/');
  const bool nested = slash != std::string::npos;
  const std::string folder = nested ? pattern.below.substr(0, slash) : ".";
  if (IsPattern(folder))
    return BadSpec("source.path",
                   "a pattern may stand in the last part of the path only");
  FileDescriptor directory =
      OpenBeneath(pattern.root->directory, folder, O_RDONLY | O_DIRECTORY);
  if (!directory.valid()) return OpenError(pattern.shown, errno);
  const std::string prefix = pattern.shown.substr(
      0, pattern.shown.size() - (nested ? pattern.below.size() - slash - 1
                                        : pattern.below.size()));
  std::vector<std::string> paths;
  for (const std::string& name : MatchingNames(
           std::move(directory),
           nested ? pattern.below.substr(slash + 1) : pattern.below)) {
    if (!IsUtf8(name))
      return BadInput(absl::StrCat(prefix, absl::CHexEscape(name)), 0, 0,
                      "the file's name is not UTF-8");
    paths.push_back(absl::StrCat(prefix, name));
  }
  if (paths.empty()) return FileNotFound(pattern.shown);
  if (paths.size() > kMaxFiles)
    return BadSpec("source.path",
                   absl::StrCat("the pattern matches ", paths.size(),
                                " files; at most ", kMaxFiles, " can be read"));
  return paths;
}

absl::StatusOr<std::vector<std::string>> Roots::Expand(
    absl::string_view path) const {
  absl::StatusOr<std::vector<std::string>> paths = ExpandOrFail(path);
  if (ReasonOf(paths.status()) != "FILE_NOT_FOUND") return paths;
  std::vector<std::string> looked_in;
  for (const Root& root : roots_)
    looked_in.push_back(
        absl::StrCat("\"", root.path.empty() ? "/" : root.path, "\""));
  return MakeError(
      absl::StatusCode::kNotFound, "FILE_NOT_FOUND",
      absl::StrCat("no file \"", path, "\" below the loader's --roots ",
                   absl::StrJoin(looked_in, ", ")),
      MetadataOf(paths.status()));
}

absl::StatusOr<std::vector<std::string>> Roots::ExpandOrFail(
    absl::string_view path) const {
  absl::StatusOr<OpenedFile> file = OpenFile(path);
  if (file.ok()) return std::vector<std::string>{file->identity.path()};
  if (!IsPattern(path) || ReasonOf(file.status()) != "FILE_NOT_FOUND")
    return file.status();
  ASSIGN_OR_RETURN(const std::vector<Candidate> candidates, Candidates(path));
  absl::StatusOr<std::vector<std::string>> paths = FileNotFound(path);
  for (const Candidate& candidate : candidates) {
    paths = Match(candidate);
    if (paths.ok()) break;
  }
  return paths;
}

}  // namespace troupe::loader
