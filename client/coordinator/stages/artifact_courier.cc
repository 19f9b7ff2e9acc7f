#include "client/coordinator/stages/artifact_courier.h"

#include <utility>

#include "services/base/errors.h"
#include "services/base/log.h"
#include "services/base/status_macros.h"

namespace troupe {

ArtifactCourier::ArtifactCourier(const ArtifactStore* store, Timers* blocking,
                                 absl::Duration timeout)
    : store_(store), blocking_(blocking), timeout_(timeout) {}

void ArtifactCourier::Bring(const std::shared_ptr<StageClient>& client,
                            const std::string& sha256,
                            std::function<void(absl::Status)> done) {
  const Errand errand(sha256, client->address());
  {
    MutexLock lock(&mutex_);
    auto& waiting = errands_[errand];
    waiting.push_back(std::move(done));
    if (waiting.size() > 1) return;
  }
  blocking_->Soon([weak = weak_from_this(), client, errand] {
    if (const auto courier = weak.lock()) courier->ReadAndPut(client, errand);
  });
}

void ArtifactCourier::ReadAndPut(const std::shared_ptr<StageClient>& client,
                                 const Errand& errand) {
  auto content = ContentOf(errand.first);
  if (!content.ok()) {
    Finish(errand, content.status());
    return;
  }
  client->Put(errand.first, *std::move(content), timeout_,
              [weak = weak_from_this(), errand](const absl::Status& status) {
                if (const auto courier = weak.lock())
                  courier->Finish(errand, status);
              });
}

absl::StatusOr<std::shared_ptr<const std::string>> ArtifactCourier::ContentOf(
    const std::string& sha256) {
  {
    MutexLock lock(&mutex_);
    std::erase_if(contents_,
                  [](const auto& one) { return one.second.expired(); });
    const auto found = contents_.find(sha256);
    if (found != contents_.end())
      if (auto content = found->second.lock()) return content;
  }
  ASSIGN_OR_RETURN(std::string read, store_->Read(sha256));
  auto content = std::make_shared<const std::string>(std::move(read));
  MutexLock lock(&mutex_);
  contents_[sha256] = content;
  return content;
}

void ArtifactCourier::Finish(const Errand& errand, const absl::Status& status) {
  std::vector<std::function<void(absl::Status)>> waiting;
  {
    MutexLock lock(&mutex_);
    const auto found = errands_.find(errand);
    waiting = std::move(found->second);
    errands_.erase(found);
  }
  if (status.ok())
    Log(LogLevel::kInfo, "artifact put",
        {{"replica", errand.second}, {"artifact", errand.first}});
  else
    LogError("cannot put an artifact", status,
             {{"replica", errand.second}, {"artifact", errand.first}});
  for (const auto& done : waiting) done(status);
}

std::vector<std::string> ArtifactCourier::Underway(
    const std::vector<std::string>& artifacts) const {
  std::vector<std::string> addresses;
  MutexLock lock(&mutex_);
  if (errands_.empty()) return addresses;
  for (const std::string& sha256 : artifacts)
    for (auto it = errands_.lower_bound({sha256, ""});
         it != errands_.end() && it->first.first == sha256; ++it)
      addresses.push_back(it->first.second);
  return addresses;
}

}  // namespace troupe
