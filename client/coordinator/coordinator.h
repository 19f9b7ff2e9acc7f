// The Coordinator is the process that carries each stage's result to the next:
// it puts stores, scheduler, network and service together, and takes them apart
// in order.
//
// Thread safety: see services/actor/actor.h. It has no messages of its own: its
// service answers on gRPC's threads.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/coordinator/coordinator_service.h"
#include "client/coordinator/database.h"
#include "client/coordinator/housekeeper.h"
#include "client/coordinator/job_scheduler.h"
#include "client/coordinator/stage_network.h"
#include "services/base/mutex.h"
#include "services/host/run_actor.h"
#include "services/host/service_provider.h"

namespace troupe {

class Coordinator : public Actor, public ServiceProvider {
 public:
  static constexpr absl::string_view kName = "coordinator";

  ~Coordinator() override;

  // Takes the state directory (STATE_DIR_IN_USE when another coordinator has
  // it), and goes on with the jobs in it.
  absl::Status OnStart() override;
  absl::StatusOr<Reply> OnReceive(Message& message,
                                  const Context& context) override;
  void OnStop() override;

  std::vector<grpc::Service*> Services() override { return {&service_}; }
  std::vector<std::string> ServiceNames() override {
    return {"troupe.v1.Coordinator"};
  }
  // Suspends the jobs; they go on at the next start.
  void OnDrain() override;

 private:
  void StopCompany(pb::StopMode mode);

  CoordinatorService service_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<JobStore> jobs_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<PipelineRegistry> pipelines_;
  std::unique_ptr<UploadStore> uploads_;
  std::unique_ptr<ArtifactStore> artifacts_;
  std::unique_ptr<StageNetwork> network_;
  std::unique_ptr<DispatcherCalls> calls_;
  JobEnvironment environment_;
  std::unique_ptr<JobScheduler> scheduler_;
  std::unique_ptr<Housekeeper> housekeeper_;

  Mutex mutex_;
  bool stopping_company_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread stopper_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace troupe
