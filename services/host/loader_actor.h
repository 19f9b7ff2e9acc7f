// A LoaderActor is the actor behind `troupe.v1.Loader`, as typed methods.
//
// Thread safety: see services/actor/actor.h.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/pb.h"
#include "services/actor/actor.h"
#include "services/host/isolation.h"
#include "services/host/service_provider.h"
#include "troupe/v1/loader.pb.h"

namespace troupe {

class LoaderActor : public Actor, public ServiceProvider {
 public:
  // troupe.v1.Loader.
  std::vector<std::string> ActorServices() override;

  virtual absl::StatusOr<pb::PlanResponse> Plan(pb::PlanRequest& request,
                                                const Context& context) = 0;
  virtual absl::StatusOr<pb::LoadResponse> Load(pb::LoadRequest& request,
                                                const Context& context) = 0;
  virtual absl::StatusOr<pb::ReadRecordsResponse> ReadRecords(
      pb::ReadRecordsRequest& request, const Context& context) = 0;

  // Parses, calls the method above, serializes. `id` and `credit` of the
  // replies are filled in here.
  absl::StatusOr<Reply> OnReceive(Message& message,
                                  const Context& context) final;

 private:
  absl::StatusOr<pb::LoadResponse> LoadHereOrIsolated(pb::LoadRequest& request,
                                                      const Context& context);

  Isolation isolation_{IsolationLimitsFromFlags()};
};

}  // namespace troupe
