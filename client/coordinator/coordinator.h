// The Coordinator is the process that carries each stage's result to the next:
// it puts stores, scheduler, network and service together, and takes them apart
// in order.
//
// Thread safety: see services/actor/actor.h. Its messages are the calls of its
// service.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/base/mutex.h"
#include "services/host/run_actor.h"
#include "services/host/service_provider.h"
#include "troupe/v1/actor.pb.h"

namespace troupe {

class Coordinator : public Actor, public ServiceProvider {
 public:
  static constexpr absl::string_view kName = "coordinator";

  Coordinator();
  ~Coordinator() override;

  // Takes the state directory (STATE_DIR_IN_USE when another coordinator has
  // it), and goes on with the jobs in it.
  absl::Status OnStart() override;
  absl::StatusOr<Reply> OnReceive(Message& message,
                                  const Context& context) override;
  void OnStop() override;

  std::vector<std::string> ActorServices() override {
    return {"troupe.v1.Coordinator"};
  }
  std::vector<LaneOptions> Lanes() override;
  std::string LaneOf(const std::string& method) override;
  void ServeAt(RpcAdapter& adapter) override;
  // Suspends the jobs; they go on at the next start.
  void OnDrain() override;

 private:
  void StopCompany(pb::StopMode mode);

  // Its parts are known to its own file alone: they bring the headers of all
  // that there is.
  struct Parts;
  const std::unique_ptr<Parts> parts_;

  Mutex mutex_;
  bool stopping_company_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread stopper_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
