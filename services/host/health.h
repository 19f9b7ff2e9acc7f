// Health says whether the process takes calls, by grpc.health.v1: one status
// for all its services, and for "".
//
// Thread safety: AddService before calls arrive; the rest from any thread.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/base/mutex.h"
#include "services/host/rpc_adapter.h"
#include "services/host/watch.h"

namespace troupe {

class Health {
 public:
  void AddService(absl::string_view name);

  // Serves Check and Watch. This object must outlive the adapter.
  absl::Status RegisterAt(RpcAdapter& adapter);

  // Tells watchers, where it changes.
  void SetServing(bool serving);

 private:
  grpc::ByteBuffer StatusOf(const std::string& service) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<grpc::ByteBuffer> Check(grpc::ByteBuffer& request);
  absl::Status BeginWatch(grpc::ByteBuffer& request,
                          std::shared_ptr<Watch> watch);

  Mutex mutex_;  // Guards everything below.
  std::set<std::string> services_ ABSL_GUARDED_BY(mutex_) = {""};
  bool serving_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::pair<std::string, std::weak_ptr<Watch>>> watches_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
