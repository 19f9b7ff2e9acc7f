#include "services/loader/kept_loads.h"

#include <malloc.h>

#include <atomic>
#include <utility>

#include "services/table/serialize.h"

namespace troupe::loader {
namespace {

// What the maps add to an answer, about.
constexpr int64_t kOverheadBytes = 512;

// All that the answer depends on. The text itself is told by its checksum and
// its job.
absl::StatusOr<std::string> KeyOf(const pb::LoadRequest& request) {
  pb::LoadRequest named;
  *named.mutable_source() = request.source();
  *named.mutable_split() = request.split();
  *named.mutable_schema() = request.schema();
  *named.mutable_source_columns() = request.source_columns();
  *named.mutable_row_split() = request.row_split();
  named.set_row_set(request.row_set());
  named.set_target_required(request.target_required());
  if (request.has_inline_text())
    named.mutable_inline_text()->set_name(request.inline_text().name());
  return SerializeCanonical(named);
}

}  // namespace

KeptLoads::~KeptLoads() {
  std::thread dropper;
  {
    MutexLock lock(&mutex_);
    ending_ = true;
    dropper = std::move(dropper_);
  }
  changed_.NotifyAll();
  if (dropper.joinable()) dropper.join();
}

std::optional<pb::LoadResponse> KeptLoads::Find(
    const pb::LoadRequest& request) {
  if (max_bytes_ <= 0) return std::nullopt;
  const std::shared_ptr<pb::LoadResponse> response = Take(request);
  if (response == nullptr) return std::nullopt;
  std::optional<pb::LoadResponse> found;
  // Megabytes: not under the lock, and copied only for whom others may read.
  if (request.read_again()) {
    found = *response;
  } else {
    found = std::move(*response);
  }
  found->set_kept(true);
  return found;
}

// The answer, for the caller alone where it will not be read again.
std::shared_ptr<pb::LoadResponse> KeptLoads::Take(
    const pb::LoadRequest& request) {
  const absl::StatusOr<std::string> key = KeyOf(request);
  if (!key.ok()) return nullptr;
  MutexLock lock(&mutex_);
  const auto job = jobs_.find(request.id().job());
  if (job == jobs_.end()) return nullptr;
  job->second.used = clock_->Monotonic();
  const auto answer = job->second.answers.find(*key);
  if (answer == job->second.answers.end()) return nullptr;
  std::shared_ptr<pb::LoadResponse> response = answer->second.response;
  ++found_;
  if (request.read_again()) return response;
  bytes_ -= answer->second.bytes;
  job->second.answers.erase(answer);
  // Another request, of a pass that was given up, may still be copying it.
  if (response.use_count() == 1) {
    std::atomic_thread_fence(std::memory_order_acquire);
    return response;
  }
  return std::make_shared<pb::LoadResponse>(*response);
}

void KeptLoads::Keep(const pb::LoadRequest& request,
                     const pb::LoadResponse& response) {
  if (!request.read_again() || request.id().job().empty()) return;
  absl::StatusOr<std::string> key = KeyOf(request);
  if (!key.ok()) return;
  Answer answer;
  answer.bytes = static_cast<int64_t>(response.ByteSizeLong() + key->size()) +
                 kOverheadBytes;
  const int64_t bytes = answer.bytes;
  {
    MutexLock lock(&mutex_);
    if (bytes > max_bytes_ - bytes_) DropIdle(idle_ / 12);
    if (bytes > max_bytes_ - bytes_) return;
    bytes_ += bytes;  // Reserved; copied without the lock.
  }
  answer.response = std::make_shared<pb::LoadResponse>(response);
  MutexLock lock(&mutex_);
  Job& job = jobs_[request.id().job()];
  job.used = clock_->Monotonic();
  // Asked for twice at once, by a hedge or a retry: one is enough.
  if (!job.answers.emplace(*std::move(key), std::move(answer)).second)
    bytes_ -= bytes;
  if (!dropper_.joinable())
    dropper_ = std::thread(&KeptLoads::RunDropper, this);
  if (jobs_.size() == 1) changed_.NotifyAll();
}

void KeptLoads::RunDropper() {
  MutexLock lock(&mutex_);
  while (!ending_) {
    if (jobs_.empty()) {
      changed_.Wait(&mutex_);
      continue;
    }
    if (DropIdle(idle_)) {
      // Free memory that lies below what is used would stay with us.
      mutex_.Unlock();
      malloc_trim(0);
      mutex_.Lock();
      continue;
    }
    changed_.WaitFor(&mutex_, idle_ / 4);
  }
}

bool KeptLoads::DropIdle(absl::Duration idle) {
  const absl::Duration now = clock_->Monotonic();
  const size_t before = jobs_.size();
  for (auto job = jobs_.begin(); job != jobs_.end();) {
    if (now - job->second.used < idle) {
      ++job;
      continue;
    }
    for (const auto& [key, answer] : job->second.answers)
      bytes_ -= answer.bytes;
    job = jobs_.erase(job);
  }
  return jobs_.size() < before;
}

bool KeptLoads::has_room() const {
  MutexLock lock(&mutex_);
  return bytes_ < max_bytes_;
}

int64_t KeptLoads::bytes() const {
  MutexLock lock(&mutex_);
  return bytes_;
}

int64_t KeptLoads::found() const {
  MutexLock lock(&mutex_);
  return found_;
}

}  // namespace troupe::loader
