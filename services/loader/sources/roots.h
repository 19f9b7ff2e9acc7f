// Roots are the directories below which files may be read. Nothing outside of
// them can be opened, whatever the path: not by "..", not by a symbolic link
// (one that stays below its root is followed).
//
// Thread safety: immutable after Open; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/pb.h"
#include "services/loader/sources/file_descriptor.h"
#include "troupe/v1/loader.pb.h"

namespace troupe::loader {

// A regular file, open for reading, and what it was when it was opened.
struct OpenedFile {
  FileDescriptor descriptor;
  pb::FileIdentity identity;
};

class Roots {
 public:
  // Opens the directories; NOT_FOUND names the one that is none.
  static absl::StatusOr<Roots> Open(absl::Span<const std::string> directories);

  // The files that `path` names, sorted: itself, or, where no file is called
  // so and its last part has `*`, `?` or `[...]`, all that match (hidden files
  // only by a pattern that begins with a dot). A relative path is looked for
  // below each root in turn; an absolute one must begin with a root. Returns
  // FILE_NOT_FOUND, naming the roots, when there is none.
  absl::StatusOr<std::vector<std::string>> Expand(absl::string_view path) const;

  // Opens a regular file. FILE_NOT_FOUND, OUTSIDE_ROOTS, or BAD_INPUT when it
  // is not a regular file. Never waits (a pipe, a device). The identity's path
  // is below the root; it stays absolute where it was given so and lies below
  // another root than the first.
  absl::StatusOr<OpenedFile> OpenFile(absl::string_view path) const;

 private:
  absl::StatusOr<std::vector<std::string>> ExpandOrFail(
      absl::string_view path) const;
  struct Root {
    std::string path;  // As the kernel sees it, without "/" at its end.
    FileDescriptor directory;
  };
  // A path, to be looked up below one root.
  struct Candidate {
    const Root* root;
    std::string below;
    std::string shown;
  };

  absl::StatusOr<std::vector<Candidate>> Candidates(
      absl::string_view path) const;
  static absl::StatusOr<std::vector<std::string>> Match(
      const Candidate& pattern);

  std::vector<Root> roots_;
};

}  // namespace troupe::loader
