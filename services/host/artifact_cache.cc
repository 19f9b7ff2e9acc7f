#include "services/host/artifact_cache.h"

#include <utility>

#include "services/base/errors.h"

namespace troupe {

ArtifactCache::ArtifactCache(int64_t max_bytes) : max_bytes_(max_bytes) {}

absl::Status ArtifactCache::Put(absl::string_view sha256, int64_t bytes,
                                std::shared_ptr<const Artifact> artifact) {
  if (bytes > max_bytes_)
    return ArtifactTooLarge(max_bytes_, kArtifactCacheLimit);
  std::list<Entry> dropped;  // Destroyed after the lock: that may take long.
  MutexLock lock(&mutex_);
  if (const auto old = index_.find(sha256); old != index_.end()) {
    bytes_ -= old->second->bytes;
    dropped.splice(dropped.end(), entries_, old->second);
    index_.erase(old);
  }
  entries_.push_front({std::string(sha256), bytes, std::move(artifact)});
  index_.emplace(std::string(sha256), entries_.begin());
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    bytes_ -= entries_.back().bytes;
    index_.erase(entries_.back().sha256);
    dropped.splice(dropped.end(), entries_, std::prev(entries_.end()));
  }
  return absl::OkStatus();
}

std::shared_ptr<const Artifact> ArtifactCache::Find(absl::string_view sha256) {
  MutexLock lock(&mutex_);
  const auto found = index_.find(sha256);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->artifact;
}

}  // namespace troupe
