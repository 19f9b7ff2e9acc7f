// Answers collects what became of the messages that a test sent.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "services/actor/envelope.h"
#include "services/base/errors.h"
#include "services/base/mutex.h"

namespace troupe {

class Answers {
 public:
  // An envelope whose answer is noted under `name`; its method is the name.
  std::shared_ptr<Envelope> Send(
      const std::string& name, int64_t bytes = 0, CallInfo info = {},
      std::shared_ptr<CancelToken> token = std::make_shared<CancelToken>()) {
    Message message;
    message.method = name;
    message.bytes = bytes;
    return std::make_shared<Envelope>(
        std::move(message), std::move(info), std::move(token),
        [this, name](const absl::StatusOr<Reply>& reply) {
          MutexLock lock(&mutex_);
          ++counts_[name];
          statuses_[name] = reply.status();
          changed_.NotifyAll();
        });
  }

  // "OK", the reason of the error, or "" while there is no answer.
  std::string Of(const std::string& name) const {
    MutexLock lock(&mutex_);
    const auto found = statuses_.find(name);
    if (found == statuses_.end()) return "";
    return found->second.ok() ? "OK" : ReasonOf(found->second);
  }

  absl::Status StatusOf(const std::string& name) const {
    MutexLock lock(&mutex_);
    const auto found = statuses_.find(name);
    return found == statuses_.end() ? absl::UnknownError("no answer")
                                    : found->second;
  }

  // How many answers `name` got.
  int CountOf(const std::string& name) const {
    MutexLock lock(&mutex_);
    const auto found = counts_.find(name);
    return found == counts_.end() ? 0 : found->second;
  }

  // As Of, but waits for the answer.
  std::string Await(const std::string& name) {
    {
      MutexLock lock(&mutex_);
      while (!statuses_.contains(name))
        if (!changed_.WaitFor(&mutex_, absl::Seconds(30))) break;
    }
    return Of(name);
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::map<std::string, absl::Status> statuses_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
