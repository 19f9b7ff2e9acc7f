// SourceFiles opens the texts of files, and keeps decompressors open: who reads
// a compressed file part by part does not inflate it again from its beginning
// each time.
//
// Thread safety: any thread.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/actor/context.h"
#include "services/base/mutex.h"
#include "services/loader/sources/roots.h"
#include "services/loader/sources/text_reader.h"

namespace troupe::loader {

class SourceFiles {
 public:
  // Decompressors kept; each holds up to a split of text and its own window.
  static constexpr size_t kMaxIdleReaders = 4;

  SourceFiles(Roots roots, int64_t max_inflation)
      : roots_(std::move(roots)), max_inflation_(max_inflation) {}

  // See Roots::Expand; opens every file to see what it is.
  absl::StatusOr<std::vector<pb::FileIdentity>> Identify(
      absl::string_view path) const;

  // INPUT_CHANGED when the file is not what `identity` says.
  absl::Status Verify(const pb::FileIdentity& identity) const;

  // A reader of the file's text that stands at `offset`. INPUT_CHANGED when the
  // file is not what `identity` says, or when its text ends before `offset`.
  absl::StatusOr<std::unique_ptr<TextReader>> Open(
      const pb::FileIdentity& identity, pb::Compression compression,
      int64_t offset, const Context& context);

  // Keeps the reader for who goes on from its position.
  void GiveBack(const pb::FileIdentity& identity, pb::Compression compression,
                std::unique_ptr<TextReader> reader);

  // How often a decompressor had to begin at the beginning of a file.
  int64_t inflations_begun() const;

 private:
  struct IdleReader {
    std::string key;
    std::unique_ptr<TextReader> reader;
  };

  std::unique_ptr<TextReader> TakeIdle(const std::string& key, int64_t offset);

  const Roots roots_;
  const int64_t max_inflation_;
  mutable Mutex mutex_;  // Guards the idle readers.
  std::list<IdleReader> idle_ ABSL_GUARDED_BY(mutex_);  // Last used first.
  int64_t inflations_begun_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace troupe::loader
