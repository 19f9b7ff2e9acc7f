// An ArtifactCache keeps fitted things in memory, by the SHA-256 of their
// bytes: the most recently used ones, up to a number of bytes.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/base/errors.h"
#include "services/base/mutex.h"

namespace troupe {

// A fitted thing in memory; stages derive their own. Immutable.
class Artifact {
 public:
  virtual ~Artifact() = default;
};

// Who is told that an artifact is too large for the cache may raise this.
inline constexpr char kArtifactCacheLimit[] =
    "--artifact_cache_bytes of the stage";

class ArtifactCache {
 public:
  // `max_bytes` bounds the sum of the sizes told to Put.
  explicit ArtifactCache(int64_t max_bytes = int64_t{1} << 30);

  // Adds or refreshes an entry, and drops the least recently used ones beyond
  // the bound. RESOURCE_EXHAUSTED (ARTIFACT_TOO_LARGE) when it alone is larger.
  absl::Status Put(absl::string_view sha256, int64_t bytes,
                   std::shared_ptr<const Artifact> artifact);

  int64_t max_bytes() const { return max_bytes_; }

  // Returns the entry as a T, or FAILED_PRECONDITION (ARTIFACT_MISSING), or
  // INVALID_ARGUMENT (ARTIFACT_CORRUPT) when it is something else. The entry
  // stays valid for as long as the pointer lives, also after it was dropped.
  template <typename T>
  absl::StatusOr<std::shared_ptr<const T>> Get(absl::string_view sha256) {
    std::shared_ptr<const Artifact> found = Find(sha256);
    if (found == nullptr) return ArtifactMissing(sha256);
    auto typed = std::dynamic_pointer_cast<const T>(std::move(found));
    if (typed == nullptr) return ArtifactCorrupt("of another kind");
    return typed;
  }

 private:
  struct Entry {
    std::string sha256;
    int64_t bytes = 0;
    std::shared_ptr<const Artifact> artifact;
  };

  std::shared_ptr<const Artifact> Find(absl::string_view sha256);

  const int64_t max_bytes_;
  Mutex mutex_;
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // Most recent first.
  std::map<std::string, std::list<Entry>::iterator, std::less<>> index_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
