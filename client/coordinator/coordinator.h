// The Coordinator is the process that carries each stage's result to the next:
// it puts stores, scheduler, network and service together, and takes them apart
// in order.
//
// Thread safety: see services/actor/actor.h. Its messages are the calls of its
// service.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/pb.h"
#include "services/base/latch.h"
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
  void OnHosted(std::function<void(StopMode)> stop) override;
  // Suspends the jobs; they go on at the next start.
  void OnDrain() override;
  bool Drained(absl::Duration step) override;

 private:
  // Where --http_port says so.
  absl::Status ServeHttp();
  // Runs `task` on a thread of its own, where this object still takes any.
  void Run(std::function<void()> task);
  void EndWork();
  void StopCompany(pb::StopMode mode);

  // Its parts are known to its own file alone: they bring the headers of all
  // that there is.
  struct Parts;
  const std::unique_ptr<Parts> parts_;

  std::function<void(StopMode)> stop_process_;  // Written before any call.
  Latch work_ended_;

  Mutex mutex_;  // Guards everything below.
  CondVar task_ended_;
  bool ending_work_ ABSL_GUARDED_BY(mutex_) = false;
  // What the company was told.
  std::optional<pb::StopMode> told_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;  // No more tasks.
  int tasks_ ABSL_GUARDED_BY(mutex_) = 0;        // That run.
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
